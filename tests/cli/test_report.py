"""`rnndyn report` as its users see it: the page, the options that reach it, errors, exit codes."""

import json
import re

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.cli import main

pytest.importorskip("plotly")


@pytest.fixture
def tent_file(tmp_path, tent):
    path = tmp_path / "tent.npz"
    rd.save_model(tent, path, metadata={"task": "folding <twice>"})
    return str(path)


def definitions(text):
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text))


def test_it_writes_a_page_and_says_where(tent_file, tmp_path, capsys):
    page = tmp_path / "report.html"
    assert main(["report", tent_file, "-o", str(page), "--steps", "300"]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"Report: {page}\n"
    text = page.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "<h1>tent.npz</h1>" in text
    assert "Orders 1 to 5: all" in text
    assert definitions(text)["task"] == "folding &lt;twice&gt;"


def test_every_option_reaches_the_page(tent_file, tmp_path, capsys):
    page = tmp_path / "report.html"
    arguments = (
        "--orders 1,3 --method search --seed 7 --threads 1 --time-limit 30 --steps 400 "
        "--exponents 1 --max-cycles 2 --title Folding"
    )
    assert main(["report", tent_file, "-o", str(page), *arguments.split()]) == 0
    text = page.read_text("utf-8")
    assert "<h1>Folding</h1>" in text
    search, spectrum = re.findall(
        r"<h3>(?:Search for cycles|Lyapunov exponents)</h3><dl>.*?</dl>", text
    )
    made = definitions(search)
    assert json.loads(made["orders"]) == [1, 3]
    assert (made["seed"], made["method"], made["time_limit"]) == ("7", "search", "30.0")
    assert made["took"].endswith("on 1 thread")
    made = definitions(spectrum)
    assert (made["n_steps"], made["n_exponents"], made["seed"]) == ("400", "1", "7")
    assert len(re.findall(r"<tr data-cycle=", text)) == 2


def test_inputs_drive_the_network(tmp_path, capsys):
    rng = np.random.default_rng(0)
    rd.save_model(rd.GRU(rng.normal(size=(6, 3)), rng.normal(size=(6, 2))), tmp_path / "gru.npz")
    np.save(tmp_path / "x.npy", rng.normal(size=(4, 200, 3)))
    page = tmp_path / "report.html"
    arguments = [str(tmp_path / "gru.npz"), "--inputs", str(tmp_path / "x.npy"), "-o", str(page)]
    assert main(["report", *arguments]) == 0
    text = page.read_text("utf-8")
    assert "The network is driven by the input sequences." in text
    assert "mean of 4 sequences" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tent}", "-o", "a.txt"], "a.txt: the name of a report must end in .html or .htm"),
        (["{tent}", "-o", "no/a.html"], "there is no folder no"),
        (["no-such-file.npz", "-o", "a.html"], "no-such-file.npz"),
        (["example:nothing", "-o", "a.html"], "nothing"),
        (["{tent}", "-o", "a.html", "--max-order", "0"], "max_order must be between 1 and"),
        (["{tent}", "-o", "a.html", "--max-cycles", "0"], "max_cycles must be between 1 and"),
        (["{tent}", "-o", "a.html", "--inputs", "x.npy"], "x.npy"),
    ],
)
def test_errors_are_one_line_and_leave_no_page(
    arguments, message, tent_file, tmp_path, monkeypatch, capsys
):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["report", *(part.format(tent=tent_file) for part in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert list((tmp_path / "empty").iterdir()) == []


def test_the_page_must_be_named(tent_file, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["report", tent_file])
    assert stopped.value.code == 2
    assert "-o/--output" in capsys.readouterr().err


def test_data_and_a_readout_come_from_files(tent_file, tmp_path, capsys):
    np.save(tmp_path / "data.npy", np.linspace(0.0, 2.0, 20)[:, np.newaxis])
    np.save(tmp_path / "readout.npy", np.array([[2.0]]))
    page = tmp_path / "report.html"
    files = ["--data", str(tmp_path / "data.npy"), "--readout", str(tmp_path / "readout.npy")]
    assert main(["report", tent_file, "-o", str(page), "--steps", "300", *files]) == 0
    assert "Violet: the data, 1 sequence." in page.read_text("utf-8")
