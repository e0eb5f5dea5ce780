"""``rnndyn regions`` as its users see it."""

import json

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.cli import main


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "lozi.npz"
    rd.save_model(rd.examples.lozi_map(1.7, 0.5), path)
    return str(path)


def test_it_prints_draws_and_saves_the_graph(network, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture, output, orbit = (tmp_path / name for name in ("r.png", "r.npz", "orbit.npy"))
    np.save(orbit, rd.examples.lozi_map(1.7, 0.5).orbit([0.1, 0.1], 50))
    arguments = ["--box", "3", "--orbit", orbit, "--plot", picture, "-o", output, "--threads", "1"]
    assert main(["regions", network, *map(str, arguments)]) == 0
    graph = rd.load_result(output)
    assert capsys.readouterr().out == repr(graph) + "\n"
    assert graph.upper.tolist() == [3.0, 3.0]
    assert graph.visits.sum() == 51
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_every_option_reaches_the_computation(network, capsys):
    arguments = (
        "--box=-4,3 --start=-0.2,-0.1 --max-regions 7 --seed 4 --threads 1 --time-limit 50 --json"
    )
    assert main(["regions", network, *arguments.split()]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["lower"], result["start_upper"]) == ([-4.0, -4.0], [-0.1, -0.1])
    assert (result["run"]["max_regions"], result["run"]["seed"]) == (7, 4)
    assert [region["initial"] for region in result["regions"]] == [True, False]


def test_nothing_to_ask_about_is_an_error(network, capsys):
    assert main(["regions", network]) == 2
    assert capsys.readouterr().err == (
        "rnndyn: error: give --box, the box that orbits stay in, or --orbit, or --start with "
        "states\n"
    )


def test_orbits_from_states(network, tmp_path, capsys):
    points = np.array([[-0.2, 0.1], [0.1, 0.0]])
    np.save(tmp_path / "z.npy", points)
    start = ["--start", str(tmp_path / "z.npy"), "--steps", "7"]
    assert main(["regions", network, *start]) == 0
    expected = rd.region_graph(rd.examples.lozi_map(1.7, 0.5), start=points, n_steps=7)
    assert capsys.readouterr().out == repr(expected) + "\n"
    assert main(["regions", network, "--steps", "7", "--box", "1"]) == 2
    assert "n_steps is for start as an array of states" in capsys.readouterr().err
