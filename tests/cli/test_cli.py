"""The command line as its users see it: output, files, errors and exit codes."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import ctrl_c
import rnndyn as rd
from rnndyn.certificate.result import Certificate
from rnndyn.cli import main

PROGRAM = [sys.executable, "-W", "error", "-m", "rnndyn"]


@pytest.fixture
def tent_file(tmp_path, tent):
    path = tmp_path / "tent.npz"
    rd.save_model(tent, path)
    return str(path)


def run(*arguments, **options):
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=120, **options
    )


def test_cycles_prints_the_table(tent_file, tent, capsys):
    assert main(["cycles", tent_file, "--max-order", "3"]) == 0
    captured = capsys.readouterr()
    assert captured.out == repr(rd.find_cycles(tent, max_order=3)) + "\n"
    assert captured.err == ""


def test_a_bundled_network_needs_no_file(capsys):
    assert main(["cycles", "example:alrnn_2d_p1_2", "--max-order", "2"]) == 0
    assert capsys.readouterr().out.startswith("2 cycles of ALRNN (2 states, 1 unit)")


def test_json_holds_every_cycle(tent_file, capsys):
    assert main(["cycles", tent_file, "--orders", "1,2-3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["model"] == {"family": "PLRNN", "n_states": 1, "n_units": 1}
    assert [cycle["order"] for cycle in result["cycles"]] == [1, 1, 2, 3, 3]
    assert result["cycles"][2]["points"] == [[-0.2], [0.6]]
    assert result["search"]["complete"] is True
    assert [record["order"] for record in result["search"]["orders"]] == [1, 2, 3]


def test_every_option_reaches_the_search(tent_file, capsys):
    arguments = (
        "--max-order 2 --method search --seed 9 --max-restarts 50 --max-iterations 20 "
        "--box=-0.9,0.9 --threads 1 --time-limit 30 --json"
    )
    assert main(["cycles", tent_file, *arguments.split()]) == 0
    search = json.loads(capsys.readouterr().out)["search"]
    assert search["seed"] == 9
    assert search["n_threads"] == 1
    assert search["options"] == {
        "orders": [1, 2],
        "method": "search",
        "max_restarts": 50,
        "max_iterations": 20,
        "box": [[-0.9], [0.9]],
        "time_limit": 30.0,
        "rigorous": True,
        "keep_tree": False,
    }


def test_a_complete_search_writes_a_certificate_that_is_confirmed(
    tent_file, tent, tmp_path, capsys
):
    for suffix in ("npz", "json"):
        path = tmp_path / f"proof.{suffix}"
        arguments = ["--max-order", "3", "--method", "complete", "--certificate", str(path)]
        assert main(["cycles", tent_file, *arguments]) == 0
        out = capsys.readouterr().out
        assert "Proved: orders 1 to 3 have no other cycles anywhere in R^1.\n" in out
        certificate = Certificate.load(path)
        assert certificate.has_trees
        assert certificate.proved_orders == (1, 2, 3)
        assert main(["verify", str(path), tent_file]) == 0
        assert capsys.readouterr().out.startswith("Confirmed\n")


def test_a_certificate_of_a_stopped_search_says_what_is_missing(tmp_path, capsys):
    path = tmp_path / "proof.npz"
    arguments = "--max-order 12 --method complete --time-limit 0.3 --json --certificate"
    assert main(["cycles", "example:plrnn-10d", *arguments.split(), str(path)]) == 0
    printed = json.loads(capsys.readouterr().out)["certificate"]
    assert printed["status"] == "partial"
    assert printed["proved_orders"] == list(Certificate.load(path).proved_orders)
    assert main(["verify", str(path), "example:plrnn-10d"]) == 0
    assert "  Not proved: order" in capsys.readouterr().out


def test_without_rigour_nothing_is_called_a_proof(tent_file, capsys):
    arguments = "--max-order 2 --method complete --no-rigour --json"
    assert main(["cycles", tent_file, *arguments.split()]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["certificate"]["status"] == "searched"
    assert result["search"]["options"]["rigorous"] is False
    assert [cycle["order"] for cycle in result["cycles"]] == [1, 1, 2]


def test_no_search_begins_for_a_certificate_that_cannot_be_written(
    tent_file, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("rnndyn.cli._cycles.find_cycles", None)
    complete = ["--method", "complete"]
    for arguments, message in [
        (["--certificate", "a.npz"], "give --method complete, not auto"),
        ([*complete, "--no-rigour", "--certificate", "a.npz"], "leave out --no-rigour"),
        ([*complete, "--certificate", "a.txt"], "a.txt: the name must end in one of .npz, .json"),
        ([*complete, "--certificate", "no/dir.npz"], "there is no folder no"),
    ]:
        assert main(["cycles", tent_file, "--max-order", "2", *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert message in captured.err
        assert captured.err.count("\n") == 1


def test_results_can_be_saved_and_drawn(tent_file, tent, tmp_path, capsys):
    saved, picture = tmp_path / "cycles.npz", tmp_path / "cycles.png"
    arguments = ["--max-order", "3", "-o", str(saved), "--plot", str(picture)]
    assert main(["cycles", tent_file, *arguments]) == 0
    assert rd.CycleSet.load(saved) == rd.find_cycles(tent, max_order=3)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "5 cycles" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cycles", "no-such-file.npz", "--max-order", "2"], "no-such-file.npz"),
        (["cycles", "example:nothing", "--max-order", "2"], "nothing"),
        (["cycles", "{tent}", "--max-order", "0"], "max_order must be between 1 and"),
        (["cycles", "{tent}", "--max-order", "2", "--seed", "-1"], "seed must be between 0 and"),
        (["cycles", "{tent}", "--max-order", "2", "--box=2,1"], "box must have every lower bound"),
        (["cycles", "{tent}", "--max-order", "2", "--time-limit", "0"], "time_limit must be a pos"),
        (["cycles", "{tent}", "--max-order", "2", "--plot", "a.xyz"], "the name must end in one"),
        (["cycles", "{tent}", "--max-order", "2", "--plot", "no/dir.png"], "there is no folder no"),
        (["cycles", "{tent}", "--max-order", "2", "-o", "no/dir.npz"], "there is no folder no"),
        (["demo", "--plot", "no/dir.png"], "there is no folder no"),
    ],
)
def test_errors_are_one_sentence_and_exit_code_2(tent_file, capsys, arguments, message):
    assert main([argument.format(tent=tent_file) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rnndyn: error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["cycles"], "MODEL"),
        (["cycles", "{tent}"], "one of the arguments --max-order --orders is required"),
        (["cycles", "{tent}", "--max-order", "2", "--orders", "1"], "not allowed with"),
        (["cycles", "{tent}", "--orders", "1,x"], "orders are written like 1,2,5-8"),
        (["cycles", "{tent}", "--max-order", "many"], "invalid int value"),
        (["cycles", "{tent}", "--max-order", "1", "--box", "1,2,3"], "a box is written like"),
        (["cycles", "{tent}", "--max-order", "1", "--method", "best"], "invalid choice: 'best'"),
        (["surprise"], "invalid choice: 'surprise'"),
    ],
)
def test_wrong_usage_is_exit_code_2(tent_file, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        main([argument.format(tent=tent_file) for argument in arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_damaged_file_is_an_error_not_a_traceback(tmp_path, capsys):
    path = tmp_path / "broken.npz"
    path.write_bytes(b"PK\x03\x04 broken")
    assert main(["cycles", str(path), "--max-order", "1"]) == 2
    assert "broken.npz" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["cycles", "--help"], ["demo", "--help"]])
def test_help_shows_examples(arguments, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "examples:\n  rnndyn " in text
    assert all(len(line) <= 88 for line in text.splitlines())


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"rnndyn {rd.__version__}\n"


@pytest.mark.programs
def test_demo_finds_the_published_counts_and_draws_them(tmp_path):
    picture = tmp_path / "demo.png"
    done = run("demo", "--plot", str(picture))
    assert done.returncode == 0, done.stderr
    # Nothing of the progress bar in a pipe.
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    published = [
        name
        for name in rd.examples.names()
        if isinstance(rd.examples.info(name), rd.examples.PublishedSystem)
    ]
    n = len(published)
    assert any(f"the published counts are met for {n} of {n} networks" in line for line in lines)
    headings = "network order stability spectral radius margin hits certified"
    assert " ".join(lines[0].split()) == headings
    for name in published:
        assert sum(line.split()[:1] == [name] for line in lines) == 1
    assert sum(line.split()[:1] == ["uniform_m10"] for line in lines) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert lines[-1] == f"Picture: {picture}"


@pytest.mark.programs
def test_demo_writes_its_picture_into_the_current_folder(tmp_path):
    assert run("demo", cwd=tmp_path).returncode == 0
    assert os.listdir(tmp_path) == ["rnndyn-demo.png"]


@pytest.mark.programs
def test_a_closed_pipe_is_no_error(tent_file):
    process = subprocess.Popen(
        [*PROGRAM, "cycles", tent_file, "--max-order", "14", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # JSON of 2,538 cycles is far longer than what a pipe holds.
    process.stdout.read(10)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert error == b""


def test_ctrl_c_outside_a_search_is_exit_code_130(monkeypatch, capsys, tent_file):
    monkeypatch.setattr("rnndyn.cli._cycles.load_network", ctrl_c.press)
    assert main(["cycles", tent_file, "--max-order", "1"]) == 130
    assert capsys.readouterr().err == "rnndyn: interrupted\n"


def test_output_without_a_terminal_has_no_progress(tent_file, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert main(["cycles", "example:plrnn_2d_83", "--orders", "83", "--time-limit", "1"]) == 0
    assert sys.stderr.getvalue() == ""


def test_periodic_input_and_states(tmp_path, capsys):
    network = rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[1.0]], s=[0.0])
    rd.save_model(network, tmp_path / "unit.npz")
    period = np.array([[1.0], [-1.0]])
    np.save(tmp_path / "period.npy", period)
    np.save(tmp_path / "states.npy", [[0.5], [1.0], [-2.0]])
    unit = [str(tmp_path / "unit.npz"), "--max-order", "4"]
    inputs = ["--inputs", str(tmp_path / "period.npy"), "--periodic"]
    assert main(["cycles", *unit, *inputs]) == 0
    expected = rd.find_cycles(network, 4, inputs=period, periodic=True)
    assert capsys.readouterr().out == repr(expected) + "\n"
    assert main(["cycles", *unit, "--states", str(tmp_path / "states.npy"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["search"]["options"]["n_states_given"] == 3
    rd.save_model(expected.model, tmp_path / "driven.npz")
    driven = str(tmp_path / "driven.npz")
    proof = ["--method", "complete", "--certificate", str(tmp_path / "proof.npz")]
    assert main(["cycles", driven, "--max-order", "4", *proof]) == 0
    assert main(["verify", str(tmp_path / "proof.npz"), driven]) == 0
    assert "Proved: orders 2 and 4 have no other cycles" in capsys.readouterr().out
