"""``rnndyn sweep`` as its users see it: output, files, errors and exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import CtrlC
from rnndyn._common.progress import NoProgress
from rnndyn.cli import main

PROGRAM = [sys.executable, "-W", "error", "-m", "rnndyn", "sweep"]

#: x -> x / 2 + w relu(x) + h: a flip at w = -1.5, a border collision at h = 0.
MODEL = rd.PLRNN([[0.5]], [[-1.0]], [1.0])
X, X_VALUES = "W[0,0]=-2:-0.4:5", np.linspace(-2.0, -0.4, 5)
Y, Y_VALUES = "h[0]=0.5:1.5:3", np.linspace(0.5, 1.5, 3)
#: The exponent of this one is known: ln |a|.
LINE = rd.PLRNN([[0.5]], [[0.0]], [1.0])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "network.npz"
    rd.save_model(MODEL, path)
    return str(path)


@pytest.fixture
def line_file(tmp_path):
    path = tmp_path / "line.npz"
    rd.save_model(LINE, path)
    return str(path)


def test_one_parameter_gives_a_bifurcation_diagram(file, tmp_path, capsys):
    output, picture = tmp_path / "diagram.npz", tmp_path / "diagram.png"
    assert main(["sweep", file, "--x", X, "-o", str(output), "--plot", str(picture)]) == 0
    expected = rd.bifurcation_diagram(MODEL, "W[0,0]", X_VALUES, max_order=1, progress=False)
    captured = capsys.readouterr()
    assert captured.out == repr(expected) + "\n"
    assert captured.err == ""
    assert rd.BranchSet.load(output) == expected
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_two_parameters_give_a_stability_diagram(file, tmp_path, capsys):
    output, picture = tmp_path / "plane.npz", tmp_path / "plane.pdf"
    arguments = ["--x", X, "--y", Y, "--orders", "1,2", "-o", str(output), "--plot", str(picture)]
    assert main(["sweep", file, *arguments]) == 0
    expected = rd.stability_diagram(
        MODEL, ("W[0,0]", X_VALUES), ("h[0]", Y_VALUES), orders=[1, 2], progress=False
    )
    assert capsys.readouterr().out == repr(expected) + "\n"
    assert rd.StabilityDiagram.load(output) == expected
    assert picture.read_bytes().startswith(b"%PDF")


def test_exponents(line_file, tmp_path, capsys):
    output, picture = tmp_path / "scan.npz", tmp_path / "scan.svg"
    arguments = ["--measure", "max_lyapunov", "--steps", "2000", "--x", "A[0,0]=0.25:1.5:6"]
    files = ["-o", str(output), "--plot", str(picture)]
    assert main(["sweep", line_file, *arguments, *files]) == 0
    expected = rd.scan(LINE, ("A[0,0]", np.linspace(0.25, 1.5, 6)), n_steps=2000, progress=False)
    assert capsys.readouterr().out == repr(expected) + "\n"
    assert rd.Scan.load(output) == expected
    assert "<svg" in picture.read_text()


def test_the_json_of_exponents(line_file, capsys):
    arguments = ["--measure", "max_lyapunov", "--steps", "2000", "--json"]
    axes = ["--x", "A[0,0]=0:1.5:4", "--y", "h[0]=1:2:2"]
    assert main(["sweep", line_file, *axes, *arguments]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["model"] == {"family": "PLRNN", "n_states": 1, "n_units": 1}
    assert result["x"] == {"name": "A[0,0]", "values": [0.0, 0.5, 1.0, 1.5]}
    assert result["y"] == {"name": "h[0]", "values": [1.0, 2.0]}
    rows = result["values"]["max_lyapunov"]
    assert len(rows) == 2
    for row in rows:
        # -inf and what diverges are null in JSON; the status tells them apart.
        assert row[0] is None
        assert row[1] == pytest.approx(np.log(0.5), abs=1e-12)
        # z' = z + h grows by h in every step, z' = 1.5 z + h until its numbers overflow.
        assert row[2] is None
        assert row[3] is None
    assert result["status"]["max_lyapunov"][0] == ["ok", "ok", "diverged", "diverged"]
    assert result["run"]["n_steps"] == 2000


def test_the_json_of_cycles(file, capsys):
    assert main(["sweep", file, "--x", X, "--max-order", "2", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [event["kind"] for event in result["events"]][-1] == "degenerate_flip"
    assert result["events"][-1]["value"] == pytest.approx(-1.5, abs=1e-10)
    assert len(result["branches"]) == 2
    assert result["gaps"] == []
    assert main(["sweep", file, "--x", X, "--y", Y, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["orders"] == [1]
    assert result["n_stable"] == [[[0, 0, 1, 1, 1]] * 3]
    (curve,) = result["curves"]
    assert curve["kind"] == "degenerate_flip"
    np.testing.assert_allclose(np.array(curve["points"])[:, 0], -1.5, atol=1e-10)
    assert result["run"]["orders"] == [1]


def test_a_plane_keeps_to_its_time_limit(file, capsys):
    plane = ["--x", "W[0,0]=-4:-1:300", "--y", "h[0]=0:1:300", "--max-order", "6"]
    assert main(["sweep", file, *plane, "--time-limit", "0.05", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["run"]["stopped_by"] == "time_limit"
    assert result["run"]["n_points"] == 90_000


@pytest.mark.programs
def test_workers_and_a_store_change_nothing(line_file, tmp_path, capsys):
    arguments = ["--measure", "max_lyapunov", "--steps", "100", "--x", "A[0,0]=0.25:0.75:6"]
    store = ["--store", str(tmp_path / "chunks")]
    assert main(["sweep", line_file, *arguments]) == 0
    expected = capsys.readouterr().out
    done = subprocess.run(
        [*PROGRAM, line_file, *arguments, *store, "--workers", "2"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected
    assert main(["sweep", line_file, *arguments, *store]) == 0
    assert capsys.readouterr().out == expected
    assert main(["sweep", line_file, *arguments, "--seed", "1", *store]) == 2
    assert "another computation" in capsys.readouterr().err


def test_ctrl_c_shows_what_is_done(line_file, capsys, monkeypatch):
    # The exponents of the points show nothing.
    meter = "rnndyn._common.options.make_progress_meter"
    monkeypatch.setattr(meter, lambda shown: NoProgress() if shown is False else CtrlC())
    arguments = ["--measure", "max_lyapunov", "--steps", "100", "--x", "A[0,0]=0.25:0.75:9"]
    assert main(["sweep", line_file, *arguments, "--threads", "1"]) == 130
    assert "INCOMPLETE: interrupted after 1 of 9 points" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--x", "B[0]=0:1:2"], "PLRNN has no parameter 'B[0]'; valid names"),
        (["--x", X, "--y", X], "x and y must be different parameters"),
        (["--x", X, "--steps", "9"], "--steps is for --measure max_lyapunov"),
        (
            ["--x", X, "--measure", "max_lyapunov", "--max-order", "3"],
            "--max-order and --orders are for --measure stability",
        ),
        (["--x", X, "--workers", "0"], "--workers must be between 1 and 1024, got 0"),
        (["--x", X, "--max-order", "0"], "max_order must be between 1 and"),
        (["--x", X, "-o", "/no/such/folder/a.npz"], "there is no folder /no/such/folder"),
        (["--x", X, "--plot", "picture.xyz"], "the name must end in one of"),
    ],
)
def test_bad_input_is_one_line(file, arguments, message, capsys):
    assert main(["sweep", file, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rnndyn: error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A[0,0]", "is written like"),
        ("A[0,0]=0:1", "is written like"),
        ("A[0,0]=a:1:3", "is written like"),
        ("A[0,0]=0:1:2.5", "is written like"),
        ("A[0,0]=1:0:3", "must go from a number to a larger one"),
        ("A[0,0]=0:inf:3", "must go from a number to a larger one"),
        ("A[0,0]=0:1:1", "must name 2 to 1,000,000 values, not 1"),
    ],
)
def test_a_wrong_axis_is_explained(file, text, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["sweep", file, "--x", text])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
