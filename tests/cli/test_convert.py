"""``rnndyn convert`` as its users see it: output, files, errors and exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest

import rnndyn as rd
from foreign_files import MODEL, WRITERS, written
from rnndyn.cli import main

NETWORK = {"A": [0.5, 0.25], "W": [[0.0, 1.0], [2.0, 0.0]], "h": [1.0, -1.0]}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_every_format_is_converted(name, suffix, tmp_path, capsys):
    path, output = written(tmp_path, name), tmp_path / f"out{suffix}"
    assert main(["convert", str(path), str(output)]) == 0
    assert rd.load_model(output) == MODEL
    imported = rd.load_metadata(output)["imported"]
    assert imported["file"] == path.name
    assert set(imported["keys"]) == set(MODEL.parameters)
    captured = capsys.readouterr()
    assert captured.out.startswith("ShallowPLRNN(n_states=2, n_units=3) from ")
    assert captured.out.endswith(f"written: {output}\n")
    assert captured.err == ""


def test_what_is_guessed_is_printed(tmp_path, capsys):
    np.savez(tmp_path / "in.npz", A=[0.5], Wrec=[[2.0]], h=[1.0], extra=np.ones(4))
    main(["convert", str(tmp_path / "in.npz"), str(tmp_path / "out.json")])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  A = A",
        "  h = h",
        "  W = Wrec",
        "  note: family PLRNN is guessed from the names of the arrays "
        "(the same arrays can be: ALRNN, MeanCenteredPLRNN, or W max(z - h, 0) in files of "
        "PLRNNstsp of 2017, which is DendriticPLRNN(A, W, 0 * h, [1.0], [h]))",
        "  note: W is 'Wrec', guessed",
        "  not used: extra",
        f"written: {tmp_path / 'out.json'}",
    ]


def test_family_keys_and_options(tmp_path, capsys):
    np.savez(tmp_path / "in.npz", a=NETWORK["A"], w=NETWORK["W"], h=NETWORK["h"])
    arguments = ["--family", "ALRNN", "--key", "A=a", "--key", "W=w", "--option", "n_relu=1"]
    output = tmp_path / "out.npz"
    assert main(["convert", str(tmp_path / "in.npz"), str(output), *arguments, "--json"]) == 0
    assert rd.load_model(output) == rd.ALRNN(**NETWORK, n_relu=1)
    report = json.loads(capsys.readouterr().out)
    assert report["family"] == "ALRNN"
    assert report["keys"] == {"A": "a", "W": "w", "h": "h"}
    assert report["notes"] == report["unused"] == []


def test_list(tmp_path, capsys):
    path = str(written(tmp_path, "safetensors"))
    assert main(["convert", path, "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == [
        "net.A   2",
        "net.W1  2 x 3",
        "net.W2  3 x 2",
        "net.h1  2",
        "net.h2  3",
    ]
    assert main(["convert", path, "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["net.W1"] == [2, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.pt", "out.npz"], "absent.pt: No such file"),
        (["in.npz"], "OUT is missing"),
        (["in.npz", "nowhere/out.npz"], "there is no folder"),
        (["in.npz", "out.pt"], "must end in one of .npz, .json"),
        (["in.npz", "out.npz", "--family", "Foo"], "family must be one of"),
        (["in.npz", "out.npz", "--key", "W=Q"], "there is no array 'Q'"),
        (["bad.bson", "out.npz"], "cannot be read as a model"),
    ],
)
def test_errors_are_one_line_with_exit_code_2(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("in.npz", **NETWORK)
    (tmp_path / "bad.bson").write_bytes(b"hello")
    assert main(["convert", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rnndyn: error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_key_without_value_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["convert", "a", "b", "--key", "W"])
    assert stop.value.code == 2
    assert "'W' is not written like NAME=VALUE" in capsys.readouterr().err


@pytest.mark.programs
def test_other_commands_take_foreign_files_and_print_the_guess(tmp_path):
    np.savez(tmp_path / "in.npz", A=[[2.0]], W=[[-4.0]], h=[1.0])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "rnndyn", "cycles", "in.npz", "--max-order", "1"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("2 cycles of PLRNN (1 state, 1 unit)")
    assert done.stderr.startswith("rnndyn: in.npz: family PLRNN is guessed from the names")


def test_help_has_examples(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as stop:
        main(["convert", "--help"])
    assert stop.value.code == 0
    assert "examples:\n  rnndyn convert checkpoint.pt network.npz" in capsys.readouterr().out
