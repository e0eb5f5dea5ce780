"""The shell lines of the documentation do what their pages say, on files that fit them."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.cli import main

DOCS = Path(__file__).parents[1] / "docs"
GENERATED = ("_build", "auto", "generated")


def lines():
    """Return every line for a shell, with its page; those of a page in their order."""
    found = []
    for page in sorted(DOCS.rglob("*.md")):
        name = page.relative_to(DOCS)
        if not any(part in GENERATED for part in name.parts):
            blocks = re.findall(
                r"^ *```sh\n(.*?)^ *```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
            )
            found += [(str(name), line.strip()) for block in blocks for line in block.splitlines()]
    return [(name, line) for name, line in found if line.startswith("rnndyn ")]


LINES = lines()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return tmp_path


def write_files(words):
    """Write the files that a line reads."""
    rng = np.random.default_rng(0)
    rd.save_model(rd.examples.load("plrnn-10d"), "network.npz")
    if "proof.npz" in words and "verify" in words:
        cycles = rd.find_cycles(rd.load_model("network.npz"), 2, method="complete", keep_tree=True)
        cycles.certificate.save("proof.npz")
    if "chaotic.npz" in words:
        model = rd.examples.lorenz_maxima()
        rd.save_model(model, "chaotic.npz")
        if "verify" in words:
            rd.prove_chaos(rd.find_cycles(model, 6, method="search")).save("chaos.npz")
    if "network.pt" in words or "checkpoint.pt" in words:
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)
        torch.save(torch.nn.GRU(2, 3).state_dict(), "network.pt")
        inner = torch.nn.RNN(2, 3, nonlinearity="relu").state_dict()
        torch.save({f"model.rnn.{name}": value for name, value in inner.items()}, "checkpoint.pt")
        np.save("resting.npy", np.zeros(2))
        np.save("visited.npy", rng.normal(size=(50, 3)))
    if "weights.mat" in words:
        io = pytest.importorskip("scipy.io")
        name = "Wrec" if "W=Wrec" in words else "W"
        arrays = {"A": rng.normal(size=3), name: rng.normal(size=(3, 3)), "h": rng.normal(size=3)}
        io.savemat("weights.mat", arrays)
    if "timeline" in words:
        Path("run/models").mkdir(parents=True)
        tent = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
        for epoch, w in enumerate((-1.0, -1.2, -1.7, -1.8)):
            rd.save_model(tent.with_parameters({"W[0,0]": w}), f"run/models/epoch{epoch}.npz")
        np.save("losses.npy", [1.0, 0.9, 0.5, 0.4])


def test_there_are_lines_to_run():
    assert {line.split()[1] for _, line in LINES} >= {
        "cycles", "verify", "convert", "report", "timeline", "lyapunov", "completion",
    }  # fmt: skip


@pytest.mark.parametrize(("page", "line"), LINES, ids=[f"{p}: {line}" for p, line in LINES])
def test_lines_of_the_documentation(page, line, folder, capsys):
    words = shlex.split(line, comments=True)
    if ">" in words:
        # Where to is a matter of the reader's shell.
        words = words[: words.index(">")]
    write_files(words)
    arguments = words[1:]
    if "--help" in arguments:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        return
    if "completion" in arguments:
        pytest.importorskip("shtab")
    assert main(arguments) == 0, capsys.readouterr().err
    assert capsys.readouterr().out
    for option in ("--plot", "--certificate", "-o"):
        if option in words:
            assert Path(words[words.index(option) + 1]).stat().st_size > 500
