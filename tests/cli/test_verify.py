"""``rnndyn verify``: output and exit codes."""

import dataclasses
import json

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.cli import main
from verify.proof_trees import make_certificate


@pytest.fixture
def files(tmp_path, tent):
    rd.save_model(tent, tmp_path / "tent.npz")
    certificate = make_certificate(tent, [1, 2], "dictionary")
    certificate.save(tmp_path / "good.npz")
    certificate.save(tmp_path / "good.json")
    dataclasses.replace(certificate, cycles=certificate.cycles[1:]).save(tmp_path / "bad.npz")
    return tmp_path


@pytest.mark.parametrize("name", ["good.npz", "good.json"])
def test_a_proof_is_confirmed(files, capsys, name):
    assert main(["verify", str(files / name), str(files / "tent.npz")]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[:2] == [
        "Confirmed",
        "  Proved: orders 1 and 2 have no other cycles anywhere in R^1.",
    ]
    assert lines[2].startswith("  Verified in exact arithmetic: 3 certified cycles, ")
    assert len(lines) == 3
    assert captured.err == ""


def test_a_wrong_proof_is_refused_with_exit_code_1(files, capsys):
    assert main(["verify", str(files / "bad.npz"), str(files / "tent.npz")]) == 1
    out = capsys.readouterr().out
    assert out.startswith("Refused: part 0 (dictionary, order 1, up to size 1000): node ")
    assert out.count("\n") == 1


def test_another_network_is_refused_with_exit_code_1(files, capsys):
    assert main(["verify", str(files / "good.npz"), "example:plrnn-10d"]) == 1
    assert "another network" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "code"), [("good.npz", 0), ("bad.npz", 1)])
def test_json(files, capsys, name, code):
    assert main(["verify", str(files / name), str(files / "tent.npz"), "--json"]) == code
    result = json.loads(capsys.readouterr().out)
    assert result["confirmed"] is (code == 0)
    assert len(result["reasons"]) == code
    assert result["orders"] == ([1, 2] if code == 0 else [])
    assert len(result["summary"]) == 1 - code
    assert result["seconds"] >= 0.0
    assert np.all(result["n_cycles"] > 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.npz", "tent.npz"], "nothing.npz"),
        (["tent.npz", "tent.npz"], "cannot be read as a certificate"),
        (["good.npz", "good.npz"], "cannot be read as a model"),
        (["good.txt", "tent.npz"], "use .json or .npz"),
    ],
)
def test_wrong_files_are_errors_with_exit_code_2(files, capsys, arguments, message):
    assert main(["verify", *(str(files / argument) for argument in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("rnndyn: error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_help_explains_the_exit_codes(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        main(["verify", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "examples:\n  rnndyn verify" in text
    assert "1: refused" in text
    assert all(len(line) <= 88 for line in text.splitlines())
