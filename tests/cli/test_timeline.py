"""``rnndyn timeline`` as its users see it: output, files, errors and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import CtrlC
from rnndyn.cli import main
from rnndyn.io._archive import write_archive

PROGRAM = [sys.executable, "-W", "error", "-m", "rnndyn", "timeline"]
FILE = Path(__file__).parents[3] / "shared" / "data" / "shplrnn_150_checkpoints.mat"

#: The maps x -> x / 2 + w relu(x) + 1, with the fixed point 1 / (1/2 - w): a flip at w = -1.5.
WEIGHTS = (-1.0, -1.1, -1.2, -1.7, -1.8, -1.9)


@pytest.fixture
def models():
    return [rd.PLRNN([[0.5]], [[weight]], [1.0]) for weight in WEIGHTS]


@pytest.fixture
def folder(tmp_path, models):
    path = tmp_path / "checkpoints"
    path.mkdir()
    for index, model in enumerate(models):
        rd.save_model(model, path / f"epoch{8 + index}.npz")
    return path


@pytest.fixture
def losses():
    # One jump, in the interval of the flip.
    return np.array([3.0, 2.99, 2.97, 1.5, 1.48, 1.47])


@pytest.fixture
def losses_file(tmp_path, losses):
    path = tmp_path / "losses.npy"
    np.save(path, losses)
    return str(path)


@pytest.fixture
def epochs_file(tmp_path):
    path = tmp_path / "epochs.npy"
    np.save(path, np.arange(0, 60, 10))
    return str(path)


def test_it_prints_the_table(folder, models, losses, losses_file, epochs_file, capsys):
    assert main(["timeline", str(folder), "--losses", losses_file, "--epochs", epochs_file]) == 0
    captured = capsys.readouterr()
    expected = rd.training_timeline(models, losses, np.arange(0, 60, 10), progress=False)
    assert captured.out == repr(expected) + "\n"
    assert "1 loss jump, 1 of them in an interval with an event" in captured.out
    assert captured.err == ""


def test_the_json(folder, losses_file, epochs_file, capsys):
    arguments = ["--losses", losses_file, "--epochs", epochs_file, "--json"]
    assert main(["timeline", str(folder), *arguments]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["model"] == {"family": "PLRNN", "n_states": 1, "n_units": 1}
    assert result["checkpoints"] == {
        "epoch": [0.0, 10.0, 20.0, 30.0, 40.0, 50.0],
        "loss": [3.0, 2.99, 2.97, 1.5, 1.48, 1.47],
        "n_events_after": [0, 0, 1, 0, 0, 0],
    }
    (event,) = result["events"]
    assert (event["kind"], event["outcome"]) == ("degenerate_flip", "stability_change")
    assert event["epoch"] == pytest.approx(26.0, abs=1e-9)
    assert event["s"] == pytest.approx(2.6, abs=1e-10)
    assert event["points"] == [[pytest.approx(0.5, abs=1e-10)]]
    assert (event["interval"], event["loss"]) == (2, 2.97)
    assert event["loss_change"] == pytest.approx(-1.47)
    assert (event["itinerary"], event["partner"], event["unit"]) == ("1", None, None)
    (branch,) = result["branches"]
    assert (branch["epoch_begin"], branch["epoch_end"], branch["order"]) == (0.0, 50.0, 1)
    assert result["gaps"] == []
    assert result["loss_jumps"]["intervals"] == [2]
    assert (result["coincidence"]["n_jumps"], result["coincidence"]["n_with_event"]) == (1, 1)
    # One interval of five holds the event.
    assert result["coincidence"]["p_value"] == pytest.approx(0.2, abs=0.05)
    assert result["run"]["stopped_by"] == "finished"


def test_every_option_reaches_the_computation(folder, capsys):
    (folder / "notes.txt").write_text("no model")
    arguments = (
        "--orders 1,3-4 --pattern epoch*.npz --method search --seed 9 --threads 1 --time-limit 50 "
        "--json"
    )
    assert main(["timeline", str(folder), *arguments.split()]) == 0
    result = json.loads(capsys.readouterr().out)
    run = result["run"]
    assert run["orders"] == [1, 3, 4]
    assert (run["method"], run["seed"], run["n_threads"]) == ("search", 9, 1)
    assert result["loss_jumps"] is result["coincidence"] is None
    assert "loss" not in result["events"][0]
    assert main(["timeline", str(folder), "--pattern", "*.npz", "--max-order", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["orders"] == [1, 2]


@pytest.mark.parametrize("with_losses", [True, False])
def test_it_draws_and_saves(folder, models, losses_file, tmp_path, capsys, with_losses):
    pytest.importorskip("matplotlib")
    picture, output = tmp_path / "timeline.png", tmp_path / "timeline.npz"
    arguments = ["--losses", losses_file] if with_losses else []
    arguments += ["--plot", str(picture), "-o", str(output)]
    assert main(["timeline", str(folder), *arguments]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    loaded = rd.BranchSet.load(output)
    assert loaded == rd.training_timeline(models, progress=False).branch_set
    assert loaded.axis == "epoch"
    assert repr(loaded) in capsys.readouterr().out


def test_a_run_without_any_cycle(tmp_path, capsys):
    # x -> x + w has no cycle at all.
    pytest.importorskip("matplotlib")
    for index, height in enumerate((1.0, 2.0)):
        rd.save_model(rd.PLRNN([[1.0]], [[0.0]], [height]), tmp_path / f"{index}.npz")
    picture = tmp_path / "none.svg"
    assert main(["timeline", str(tmp_path), "--plot", str(picture)]) == 0
    assert "0 branches and 0 events" in capsys.readouterr().out
    assert "<svg" in picture.read_text("utf-8")


@pytest.mark.skipif(not FILE.exists(), reason="the shared data folder is not here")
def test_stacked_arrays_of_a_real_training_run(capsys):
    pytest.importorskip("scipy.io")
    assert main(["timeline", str(FILE), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    # As the timeline of these checkpoints has them.
    assert [event["unit"] for event in result["events"]] == [5] * 5
    assert all(114.0 < event["epoch"] < 130.0 for event in result["events"])
    assert len(result["checkpoints"]["epoch"]) == 150
    assert main(["timeline", str(FILE), "--layout", "canonical"]) == 2
    assert "checkpoint 0 is no valid model" in capsys.readouterr().err


@pytest.fixture
def stacked():
    rng = np.random.default_rng(0)
    drift = np.linspace(0.0, 0.1, 4)[:, np.newaxis, np.newaxis]
    return {
        "A": 0.5 * np.eye(3) + drift,
        "W1": rng.normal(size=(3, 3)),
        "W2": rng.normal(size=(3, 3)),
        "h1": rng.normal(size=3),
        "h2": rng.normal(size=3),
    }


def test_the_layout_of_square_arrays_must_be_said(tmp_path, stacked, capsys):
    path = tmp_path / "run.npz"
    write_archive(path, stacked)
    assert main(["timeline", str(path)]) == 2
    assert "layout='swapped'" in capsys.readouterr().err
    for layout in ("canonical", "swapped"):
        assert main(["timeline", str(path), "--layout", layout]) == 0
        expected = rd.training_timeline(rd.load_checkpoints(stacked, layout=layout), progress=False)
        assert capsys.readouterr().out == repr(expected) + "\n"


def test_arrays_of_text_are_an_error_not_a_traceback(tmp_path, stacked, capsys):
    path = tmp_path / "run.npz"
    write_archive(path, {**stacked, "h1": np.array(["a", "b", "c"])})
    assert main(["timeline", str(path)]) == 2
    assert "arrays of numbers A, W1, W2, h1 and h2; h1 is missing" in capsys.readouterr().err


def write_pickle(path):
    np.save(path, np.array([object()]), allow_pickle=True)


def write_nan(path):
    np.save(path, np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0]))


@pytest.mark.parametrize("what", ["losses", "epochs"])
@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_pickle, "cannot be read as {what}: "),
        (
            lambda path: np.save(path, np.array(["a"] * 6)),
            "cannot be read as {what}: it holds <U1, not numbers",
        ),
        (write_nan, "{what} must be finite, got nan at {what}[2]"),
        (lambda path: np.save(path, np.arange(5.0)), "{what} must have shape (6,)"),
        (lambda path: np.save(path, np.zeros((6, 1))), "{what} must have shape (6,)"),
        (lambda path: path.write_bytes(b"no array"), "not an array in the .npy format"),
        (lambda path: None, "No such file"),
    ],
)
def test_numbers_that_are_none(folder, tmp_path, capsys, what, write, message):
    path = tmp_path / "wrong.npy"
    write(path)
    assert main(["timeline", str(folder), f"--{what}", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rnndyn: error: ")
    assert message.format(what=what) in captured.err
    assert captured.err.count("\n") == 1


def break_file(folder):
    (folder / "epoch9.npz").write_bytes(b"PK\x03\x04 broken")


def change_family(folder):
    rd.save_model(rd.ReLURNN([[0.5]], [1.0]), folder / "epoch9.npz")


def smooth_network(folder):
    rd.save_model(rd.RNN(None, [[0.5]]), folder / "epoch9.npz")


def one_left(folder):
    for file in sorted(folder.iterdir())[1:]:
        file.unlink()


def none_left(folder):
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (break_file, "epoch9.npz cannot be read"),
        (change_family, "epoch9.npz does not fit the first one"),
        (smooth_network, "checkpoints[0] is a PLRNN and checkpoints[1] a RNN"),
        (one_left, "at least two models, got 1"),
        (none_left, "holds no files that match '*'"),
    ],
)
def test_folders_that_are_no_run(folder, capsys, change, message):
    change(folder)
    assert main(["timeline", str(folder)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-order", "0"], "max_order must be between 1"),
        (["--threads", "0"], "n_threads must be between 1"),
        (["--time-limit", "-1"], "time_limit must be a positive"),
        (["--pattern", "*.json"], "holds no files that match '*.json'"),
        (["--pattern", "/*"], "patterns are unsupported"),
        (["--plot", "no/where.png"], "there is no folder no"),
        (["-o", "no/where.npz"], "there is no folder no"),
        (["--plot", "timeline.docx"], "the name must end in one of"),
    ],
)
def test_wrong_options(folder, capsys, arguments, message):
    pytest.importorskip("matplotlib")
    assert main(["timeline", str(folder), *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "there is no folder or file"),
        ("checkpoints/epoch8.txt", "there is no folder or file"),
        ("losses.npy", "must be a folder of model files or a file of stacked arrays"),
    ],
)
def test_what_is_no_run(tmp_path, folder, losses_file, capsys, name, message):
    assert main(["timeline", str(tmp_path / name)]) == 2
    assert message in capsys.readouterr().err
    assert main(["timeline", str(tmp_path / name), "--pattern", "*"]) == 2
    assert "--pattern chooses files of a folder" in capsys.readouterr().err


def test_orders_are_given_once(folder, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["timeline", str(folder), "--max-order", "2", "--orders", "1"])
    assert caught.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_ctrl_c_shows_the_first_part(folder, losses_file, capsys, monkeypatch):
    monkeypatch.setattr(
        "rnndyn._common.options.make_progress_meter",
        lambda progress: CtrlC(lambda state: state.n_done >= 2),
    )
    assert main(["timeline", str(folder), "--losses", losses_file]) == 130
    out = capsys.readouterr().out
    assert out.startswith("Training timeline of 6 checkpoints")
    assert "INCOMPLETE: interrupted after 2 of 5 pieces" in out
    # Without the events of the rest nothing can be said of the jumps.
    assert main(["timeline", str(folder), "--losses", losses_file, "--json"]) == 130
    result = json.loads(capsys.readouterr().out)
    assert result["coincidence"] is None
    assert result["run"]["stopped_by"] == "interrupt"


@pytest.mark.programs
def test_the_program_knows_the_command(folder):
    done = subprocess.run([*PROGRAM, str(folder)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Training timeline of 6 checkpoints")


def test_the_help_has_examples(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as caught:
        main(["timeline", "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "examples:\n  rnndyn timeline checkpoints/\n" in out
    assert "exit code 130" in out
