"""The shell lines of the README do what it says, on networks of which it speaks."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
#: Lines of blocks in order, since one may need what the one before it has written; then what stands
#: between backticks in the text.
IN_BLOCKS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("rnndyn ")]
IN_TEXT = re.findall(r"`(rnndyn [a-z]+ [^`]*)`", README)
SWEEP = 'rnndyn sweep network.npz --x "A[0,0]=-1:1:200"'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return tmp_path


def run(line, network="plrnn-10d"):
    words = shlex.split(line)
    assert words[0] == "rnndyn"
    if "--inputs" in words:
        rng = np.random.default_rng(0)
        model = rd.RNN(rng.normal(size=(4, 2)), 0.5 * rng.normal(size=(4, 4)), nonlinearity="tanh")
        np.save("x.npy", rng.normal(size=(2000, 2)))
    else:
        model = rd.examples.load(network)
    rd.save_model(model, "network.npz")
    # Names in capitals stand for files of the reader's own.
    np.savez("weights.npz", A=[0.5], W=[[-1.0]], h=[1.0])
    files = {"IN": "weights.npz", "OUT": "converted.npz"}
    assert main([files.get(word, word) for word in words[1:]]) == 0, line
    for option in ("--plot", "--certificate", "-o"):
        if option in words:
            assert Path(words[words.index(option) + 1]).stat().st_size > 1000


def test_there_are_lines_to_run():
    assert len(IN_BLOCKS) >= 2
    assert {line.split()[1] for line in IN_TEXT} >= {"cycles", "lyapunov", "sweep", "convert"}
    assert SWEEP in IN_TEXT


def test_the_lines_of_blocks():
    for line in IN_BLOCKS:
        run(line)


@pytest.mark.parametrize("line", [line for line in IN_TEXT if line != SWEEP])
def test_the_lines_in_the_text(line):
    run(line)


@pytest.mark.parametrize("network", ["plrnn-2d-16", "plrnn-10d"])
def test_the_sweep(network):
    run(SWEEP, network)
