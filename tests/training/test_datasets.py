"""Data: the systems satisfy their equations, the seed decides, and the rest is as it should be."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")

from rnndyn.training import (
    datasets,
    power_spectrum_distance,
    state_space_divergence,
)

LORENZ = Path(__file__).parents[3] / "shared" / "data" / "lorenz63.npy"


def derivatives(series):
    """The variables and their time derivatives by differences of sixth order."""
    x = series.offset + series.scale * series.x
    weights = np.array([-1.0, 9.0, -45.0, 0.0, 45.0, -9.0, 1.0]) / 60.0
    rates = sum(w * x[i : len(x) - 6 + i] for i, w in enumerate(weights)) / series.dt
    return x[3:-3], rates


def test_lorenz_data_satisfy_the_equations_of_lorenz():
    (x, y, z), rates = (part.T for part in derivatives(datasets.lorenz63(2000, 0.002)))
    expected = [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
    np.testing.assert_allclose(rates, expected, rtol=0, atol=1e-3)


def test_roessler_data_satisfy_the_equations_of_roessler():
    (x, y, z), rates = (part.T for part in derivatives(datasets.roessler(2000, 0.01)))
    np.testing.assert_allclose(rates, [-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)], rtol=0, atol=1e-3)


def test_the_driven_ellipse_satisfies_its_equations_with_its_inputs():
    series = datasets.ellipse(1000, 0.01, axes=(2.0, 0.5), drive=0.4)
    (x, y), rates = (part.T for part in derivatives(series))
    u, v = x / 2.0, y / 0.5
    pull = 1.0 - u**2 - v**2
    # The input of a row is the mean over the time to the next: half a step later to second order.
    push = 0.5 * (series.inputs[2:-4, 0] + series.inputs[3:-3, 0])
    np.testing.assert_allclose(
        rates, [2.0 * (pull * u - v + push), 0.5 * (pull * v + u)], rtol=0, atol=1e-4
    )


def test_the_free_ellipse_is_an_ellipse_with_its_period():
    series = datasets.ellipse(629, 0.01, axes=(2.0, 0.5))
    assert series.inputs is None
    x, y = series.x.T
    np.testing.assert_allclose((x / 2.0) ** 2 + (y / 0.5) ** 2, 1.0, rtol=0, atol=1e-8)
    phase = np.unwrap(np.arctan2(y / 0.5, x / 2.0))
    assert phase[628] - phase[0] == pytest.approx(6.28, abs=1e-6)


def test_the_neuron_bursts():
    series = datasets.bursting_neuron(20_000)
    V = series.offset[0] + series.scale[0] * series.x[:, 0]
    up = np.flatnonzero((V[:-1] < -30.0) & (V[1:] >= -30.0)) * series.dt
    gaps = np.diff(up)
    # Bursts of several spikes a few ms apart, and pauses of tens of ms between them.
    assert 3.0 < np.median(gaps) < 10.0
    assert 5 <= (gaps > 50.0).sum() <= 8
    assert ((gaps > 20.0) & (gaps < 50.0)).sum() == 0
    assert -80.0 < V.min() < V.max() < 0.0
    gates = series.offset[1:] + series.scale[1:] * series.x[:, 1:]
    assert 0.0 <= gates.min() <= gates.max() <= 1.0


@pytest.mark.parametrize("make", [datasets.lorenz63, datasets.roessler, datasets.bursting_neuron])
def test_data_are_standardised_and_the_seed_decides(make):
    series = make(500)
    np.testing.assert_allclose(series.x.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(series.x.std(axis=0), 1.0, atol=1e-12)
    raw = make(500, standardize=False)
    np.testing.assert_allclose(series.offset + series.scale * series.x, raw.x, rtol=1e-10)
    np.testing.assert_array_equal(make(500).x, series.x)
    assert not np.array_equal(make(500, seed=1).x, series.x)
    with pytest.raises(ValueError, match="read-only"):
        series.x[0] = 0.0


@pytest.mark.skipif(not LORENZ.exists(), reason="the shared data folder is not here")
def test_our_lorenz_data_are_like_the_published_ones():
    theirs = np.load(LORENZ)[:20_000]
    ours = datasets.lorenz63(20_000).x
    assert state_space_divergence(theirs, ours) < 0.5
    assert power_spectrum_distance(theirs, ours) < 0.1


def test_digits_are_split_without_overlap():
    pytest.importorskip("sklearn")
    digits = datasets.sequential_digits(0.25, seed=3)
    assert len(digits.train) + len(digits.test) == 1797
    assert len(digits.test) == len(digits.test_labels) == 449
    assert digits.train.shape[1:] == (8, 8)
    assert digits.train.min() == 0.0
    assert digits.train.max() == 1.0
    assert set(digits.train_labels.tolist()) == set(range(10))
    again = datasets.sequential_digits(0.25, seed=3)
    np.testing.assert_array_equal(again.train, digits.train)
    other = datasets.sequential_digits(0.25, seed=4)
    assert not np.array_equal(other.train, digits.train)
    together = np.concatenate([digits.train, digits.test]).reshape(1797, -1)
    assert len(np.unique(together, axis=0)) > 1790


def test_text_becomes_codes_and_back(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("Zwölf Boxkämpfer\njagen Viktor.", encoding="utf-8")
    text = datasets.character_text(path)
    assert text.decode(text.codes) == path.read_text(encoding="utf-8")
    assert "".join(sorted(text.alphabet)) == text.alphabet
    codes, following = text.draw(np.random.default_rng(0), 7, 20)
    assert codes.shape == following.shape == (20, 7)
    np.testing.assert_array_equal(codes[:, 1:], following[:, :-1])
    whole = text.decode(text.codes)
    assert all(text.decode(row) in whole for row in following)
    vectors = text.one_hot(codes)
    np.testing.assert_array_equal(vectors.argmax(axis=-1), codes)
    assert vectors.sum() == codes.size


def test_messages_name_the_argument(tmp_path):
    for call, message in [
        (lambda: datasets.lorenz63(1), "n_steps must be"),
        (lambda: datasets.lorenz63(10, -0.1), "dt must be"),
        (lambda: datasets.lorenz63(10, transient=-1.0), "transient must be"),
        (lambda: datasets.ellipse(10, axes=(1.0, 0.0)), "axes must be"),
        (lambda: datasets.ellipse(10, drive=1.0, drive_frequency=0.0), "drive_frequency must be"),
        (lambda: datasets.sequential_digits(1.0), "test_share must be"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ValueError, match="is not text in the encoding utf-8"):
        datasets.character_text(path)
    path.write_text("a")
    with pytest.raises(ValueError, match="at least two characters"):
        datasets.character_text(path)
    path.write_text("abc")
    with pytest.raises(ValueError, match="length must be below"):
        datasets.character_text(path).draw(np.random.default_rng(0), 3, 1)


@pytest.mark.programs
@pytest.mark.parametrize(
    ("package", "call"),
    [("scipy", "datasets.lorenz63(10)"), ("sklearn", "datasets.sequential_digits()")],
)
def test_the_message_names_the_extra(package, call):
    code = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {package!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "from rnndyn.training import datasets\n"
        f"{call}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f"needs {package}, which is not installed" in last
    assert 'pip install "rnndyn[datasets]"' in last
