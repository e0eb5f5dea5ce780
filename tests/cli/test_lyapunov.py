"""``rnndyn lyapunov`` as its users see it: output, files, errors and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import CtrlC
from rnndyn.cli import main

PROGRAM = [sys.executable, "-W", "error", "-m", "rnndyn", "lyapunov"]
GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture
def tent_file(tmp_path, tent):
    path = tmp_path / "tent.npz"
    rd.save_model(tent, path)
    return str(path)


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    return rd.GRU(rng.normal(size=(9, 2)), rng.normal(size=(9, 3)))


@pytest.fixture
def network_file(tmp_path, network):
    path = tmp_path / "network.npz"
    rd.save_model(network, path)
    return str(path)


@pytest.fixture
def inputs():
    return np.random.default_rng(1).normal(size=(3, 100, 2))


@pytest.fixture
def inputs_file(tmp_path, inputs):
    path = tmp_path / "inputs.npy"
    np.save(path, inputs)
    return str(path)


def test_it_prints_the_table(network, network_file, inputs, inputs_file, capsys):
    assert main(["lyapunov", network_file, "--inputs", inputs_file]) == 0
    captured = capsys.readouterr()
    assert captured.out == repr(rd.lyapunov_spectrum(network, inputs)) + "\n"
    assert captured.err == ""


def test_the_table_of_a_map_with_a_known_exponent(tmp_path, capsys):
    # A contraction by 1/2 has the exponent -ln 2 exactly, wherever it starts.
    half = tmp_path / "half.json"
    rd.save_model(rd.PLRNN([0.5], [[0.0]], [1.0]), half)
    assert main(["lyapunov", str(half), "--steps", "400", "--base", "2", "--dt", "0.5"]) == 0
    assert capsys.readouterr().out == (GOLDEN / "lyapunov_command.txt").read_text("utf-8")


def test_every_option_reaches_the_computation(network_file, inputs_file, capsys):
    arguments = (
        f"{network_file} --inputs {inputs_file} --steps 50 --transient 20 --exponents 2 "
        "--sequences 3 --joint --dtype float32 --dt 0.1 --base 2 --seed 9 --threads 1 "
        "--time-limit 60 --json"
    )
    assert main(["lyapunov", *arguments.split()]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["units"] == {"per": "second", "dt": 0.1, "base": 2.0}
    assert (result["run"]["seed"], result["run"]["n_threads"]) == (9, 1)
    assert result["run"]["options"] == {
        "inputs": "batch",
        "n_steps": 50,
        "n_exponents": 2,
        "transient": 20,
        "qr_interval": "auto",
        "joint": True,
        "warm_start": False,
        "covariant": 0,
        "dtype": "float32",
        "time_limit": 60.0,
    }
    assert len(result["sequences"]) == 3
    assert len(result["sequences"][0]["exponents"]) == len(result["pooled"]["lower"]) == 2


def test_it_draws_and_saves(network, network_file, inputs, inputs_file, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture, output = tmp_path / "spectrum.png", tmp_path / "spectrum.npz"
    arguments = ["--inputs", inputs_file, "--plot", str(picture), "-o", str(output)]
    assert main(["lyapunov", network_file, *arguments]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    loaded = rd.LyapunovSpectrum.load(output)
    assert loaded == rd.lyapunov_spectrum(network, inputs)
    assert capsys.readouterr().out == repr(loaded) + "\n"


def write_pickle(path):
    np.save(path, np.array([object()]), allow_pickle=True)


def write_text(path):
    np.save(path, np.array(["a", "b"]))


def write_nan(path):
    np.save(path, np.full((5, 2), np.nan))


def write_shape(path):
    np.save(path, np.zeros((5, 3)))


def write_half(path):
    np.save(path, np.zeros((50, 2)))
    path.write_bytes(path.read_bytes()[:500])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_pickle, "cannot be read as inputs: "),
        (write_text, "cannot be read as inputs: it holds <U1, not numbers"),
        (write_nan, "inputs must be finite"),
        (write_shape, "with K = 2, got (5, 3)"),
        (write_half, "cannot be read as inputs: "),
        (lambda path: path.write_bytes(b"no array"), "not an array in the .npy format"),
        (lambda path: None, "No such file"),
    ],
)
def test_inputs_that_are_none(network_file, tmp_path, capsys, write, message):
    path = tmp_path / "wrong.npy"
    write(path)
    assert main(["lyapunov", network_file, "--inputs", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rnndyn: error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--exponents", "2"], "n_exponents must be between 1 and 1, got 2"),
        (["--steps", "0"], "n_steps must be between 1"),
        (["--base", "1"], "base must not be 1"),
        (["--time-limit", "-1"], "time_limit must be a positive"),
        (["--plot", "no/where.png"], "there is no folder no"),
        (["-o", "no/where.npz"], "there is no folder no"),
        (["--plot", "spectrum.docx"], "the name must end in one of"),
    ],
)
def test_wrong_options(tent_file, capsys, arguments, message):
    pytest.importorskip("matplotlib")
    assert main(["lyapunov", tent_file, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_diverging_orbit_is_an_error(tmp_path, capsys):
    path = tmp_path / "growing.npz"
    rd.save_model(rd.PLRNN([2.0], [[0.0]], [1.0]), path)
    assert main(["lyapunov", str(path)]) == 2
    assert "sequence 0 left the range of floating-point numbers at step" in capsys.readouterr().err


def test_a_time_limit_shows_the_estimate_so_far(network_file, capsys):
    arguments = ["--steps", "1000000000", "--transient", "100", "--time-limit", "0.5", "--json"]
    assert main(["lyapunov", network_file, *arguments]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["run"]["stopped_by"] == "time_limit"
    assert 0 < result["n_steps"] < 1_000_000_000


def test_ctrl_c_shows_the_estimate_so_far(network_file, capsys, monkeypatch):
    # Beyond the transient and the first window, both of 1,000 steps at most.
    monkeypatch.setattr(
        "rnndyn._common.options.make_progress_meter",
        lambda progress: CtrlC(lambda state: state.n_steps >= 10_000),
    )
    arguments = ["--steps", "1000000000", "--transient", "1000"]
    assert main(["lyapunov", network_file, *arguments]) == 130
    out = capsys.readouterr().out
    assert out.startswith("3 Lyapunov exponents of GRU (3 states), nats per step\n")
    assert "INCOMPLETE: interrupted after" in out


def test_ctrl_c_before_any_estimate(network_file, capsys, monkeypatch):
    monkeypatch.setattr("rnndyn._common.options.make_progress_meter", lambda progress: CtrlC())
    arguments = ["--steps", "10", "--transient", "1000000000"]
    assert main(["lyapunov", network_file, *arguments]) == 130
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "rnndyn: interrupted\n"


@pytest.mark.programs
def test_the_program_knows_the_command(network_file):
    done = subprocess.run(
        [*PROGRAM, network_file, "--steps", "100"], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 Lyapunov exponents of GRU")


def test_the_help_has_examples(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["lyapunov", "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "rnndyn lyapunov network.npz --inputs sequences.npy --exponents 10" in out
    assert "exit code 130" in out
