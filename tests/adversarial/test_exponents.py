"""Lyapunov exponents of networks made to go wrong: no NaN, and what is called exact is."""

import numpy as np
import pytest

import rnndyn as rd
from adversarial.checks import truths_of
from adversarial.exponent_checks import problems_of_spectrum
from adversarial.networks import adversarial_network
from adversarial.pairs import orders_of
from draws import drawn

COUNT = drawn(44, 5_000)
BATCH = 11  # one of every kind
#: Points beyond this are no places to start from.
LARGEST = 1e290

pytestmark = pytest.mark.filterwarnings("error")


def starts_of(number: int, model, truths) -> list[np.ndarray]:
    """The origin, two random states, and points of cycles, stable or not."""
    rng = np.random.default_rng([number, 17])
    n = model.n_states
    starts = [np.zeros(n), rng.normal(size=n), rng.normal(size=n) * 1e10]
    points = [np.array([float(x) for x in c.points[0]]) for t in truths for c in t.cycles[:2]]
    return starts + [z for z in points if np.abs(z).max() < LARGEST]


def problems_with(number: int, path) -> list[str]:
    kind, model = adversarial_network(number)
    truths = truths_of(model, orders_of(model))
    problems = []
    for index, z0 in enumerate(starts_of(number, model, truths)):
        try:
            spectrum = rd.lyapunov_spectrum(
                model, z0=z0, n_steps=200, transient=100, n_threads=1, progress=False
            )
        except rd.DivergenceError:
            continue
        where = f"network {number} ({kind}), start {index}"
        problems += [f"{where}: {text}" for text in problems_of_spectrum(spectrum, model, truths)]
        spectrum.save(path)
        if rd.load_result(path) != spectrum:
            problems.append(f"{where}: not the same after loading")
    return problems


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_exponents_are_numbers_and_exact_where_they_say_so(first, tmp_path):
    problems = []
    for number in range(first, min(first + BATCH, COUNT)):
        problems += problems_with(number, tmp_path / "spectrum.npz")
    assert problems == []


def test_a_cycle_on_a_border_has_no_exact_exponents():
    # The fixed point (-1, 2) is on the border of the one unit; orbits come to it from both sides.
    model = rd.PiecewiseLinearMap(
        [[-0.75, 0.25], [0.25, 0.5]], [[0.0], [-0.5]], [[1.0, 0.0]], [-2.25, 1.25], [1.0]
    )
    spectrum = rd.lyapunov_spectrum(model, n_steps=200, transient=100, progress=False)
    assert not spectrum.exact.any()
    assert spectrum.orbit.tolist() == [0]
