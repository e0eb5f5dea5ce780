"""``rnndyn manifolds`` as its users see it, and ``rnndyn verify`` of a proof of chaos."""

import json

import pytest

import rnndyn as rd
from rnndyn.cli import main


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "lozi.npz"
    rd.save_model(rd.examples.lozi_map(1.7, 0.5), path)
    return str(path)


@pytest.fixture
def bistable_file(tmp_path):
    path = tmp_path / "two.npz"
    model = rd.PiecewiseLinearMap(
        A=[[0.5, 0.0], [0.3, 0.5]],
        W1=[[1.0, -1.0], [0.0, 0.0]],
        W2=[[1.0, 0.4], [1.0, 0.4]],
        h1=[-1.0, 0.0],
        h2=[1.0, -1.0],
    )
    rd.save_model(model, path)
    return str(path)


def test_it_prints_draws_and_saves_the_boundary(bistable_file, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture, output = tmp_path / "boundary.png", tmp_path / "boundary.npz"
    arguments = ["--max-order", "1", "--box", "8", "--plot", str(picture), "-o", str(output)]
    assert main(["manifolds", bistable_file, *arguments]) == 0
    out = capsys.readouterr().out
    boundary = rd.load_result(output)
    assert out == repr(boundary) + "\n"
    assert boundary.complete
    assert boundary.run.upper == (8.0, 8.0)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_every_option_reaches_the_computation(network, capsys):
    arguments = (
        "--orders 1 --what unstable --cycle 1 --depth 3 --max-pieces 50 --box=-9,8 --seed 4 "
        "--threads 1 --time-limit 50 --json"
    )
    assert main(["manifolds", network, *arguments.split()]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["kind"] == "unstable"
    run = result["run"]
    assert (run["depth"], run["max_pieces"], run["seed"], run["n_threads"]) == (3, 50, 4, 1)
    assert (run["lower"], run["upper"]) == ([-9.0, -9.0], [8.0, 8.0])
    expected = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), 1, progress=False)[1]
    assert result["cycle"]["points"] == expected.points.tolist()


def test_a_proof_of_chaos_is_written_and_verified(network, tmp_path, capsys):
    proof = tmp_path / "chaos.npz"
    arguments = ["--orders", "1", "--what", "connections", "--depth", "5"]
    assert main(["manifolds", network, *arguments, "--certificate", str(proof)]) == 0
    assert "homoclinic" in capsys.readouterr().out
    assert main(["verify", str(proof), network]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Confirmed"
    n_words = len(rd.load_result(proof).words)
    assert lines[1].startswith(f"  Chaotic: all sequences of {n_words} words of 1 to ")
    assert lines[2].startswith(f"  Verified in exact arithmetic: {n_words} words; ")
    assert main(["verify", str(proof), "example:plrnn-10d", "--json"]) == 1
    assert "another network" in json.loads(capsys.readouterr().out)["reasons"][0]


def test_a_proof_of_chaos_from_cycles_is_drawn_written_and_verified(network, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    proof, output, picture = (tmp_path / name for name in ("p.npz", "p.json", "p.png"))
    arguments = ["--max-order", "6", "--what", "chaos", "--certificate", str(proof)]
    arguments += ["-o", str(output), "--plot", str(picture)]
    assert main(["manifolds", network, *arguments]) == 0
    assert capsys.readouterr().out == repr(rd.load_result(proof)) + "\n"
    assert json.loads(output.read_text("utf-8"))["entropy"] > 0.3
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["verify", str(proof), network]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--what", "stable"], "--cycle N says whose manifold is meant"),
        (["--cycle", "1"], "--cycle N says whose manifold is meant"),
        (["--what", "stable", "--cycle", "9"], "--cycle must be the number of a cycle, 0 to"),
        (["--certificate", "c.npz"], "give --what connections or --what chaos"),
        (["--what", "chaos", "-o", "c.nc"], "must end in one of .npz, .json"),
        (["--what", "chaos"], "no proof of chaos was found from 2 cycles; try a larger"),
        (["--what", "connections", "--certificate", "c.json"], "must end in one of .npz"),
        (
            ["--what", "connections", "--depth", "0", "--certificate", "c.npz"],
            "no proof of chaos was found",
        ),
    ],
)
def test_what_does_not_go_together_is_one_sentence(network, arguments, message, capsys):
    assert main(["manifolds", network, "--max-order", "1", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("rnndyn: error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
