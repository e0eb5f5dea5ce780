"""Arguments that hold numbers refuse complex ones, whose imaginary parts NumPy drops."""

import re

import numpy as np
import pytest

import rnndyn as rd

TENT = rd.PLRNN([[2.0]], [[-4.0]], [1.0])
SHALLOW = {"A": [0.5], "W1": [[1.0]], "W2": [[1.0]], "h1": [0.0], "h2": [0.0]}


def continuum():
    line = rd.PLRNN([[1.0, 0.0], [0.0, 0.5]], np.zeros((2, 2)), [0.0, 0.0])
    (found,) = rd.find_cycles(line, 1, progress=False).continua
    return found


def branch():
    return rd.bifurcation_diagram(TENT, "W[0,0]", (-2.2, -2.4), max_order=1).branches[0]


def state_space(starts):
    import matplotlib

    matplotlib.use("Agg")
    network = rd.PLRNN([0.5, 0.5], np.zeros((2, 2)), [1.0, 1.0])
    rd.plot.state_space(rd.find_cycles(network, 1, progress=False), orbits=starts)


#: What is called with numbers, and numbers that it takes.
CALLS = {
    "box radius": (lambda x: rd.find_cycles(TENT, 2, box=x, progress=False), np.array([3.0])),
    "box bound": (
        lambda x: rd.find_cycles(TENT, 2, box=([-3.0], x), progress=False),
        np.array([3.0]),
    ),
    "parameter": (lambda x: rd.PLRNN([[2.0]], [[-4.0]], x), np.array([1.0])),
    "diagram": (
        lambda x: rd.bifurcation_diagram(TENT, "W[0,0]", x, max_order=1, progress=False),
        np.array([-2.2, -2.4]),
    ),
    "plane": (
        lambda x: rd.scan(TENT, ("h[0]", x), n_steps=9, progress=False),
        np.array([1.0, 1.5]),
    ),
    "losses": (
        lambda x: rd.training_timeline([TENT, TENT], losses=x, progress=False),
        np.array([2.0, 1.0]),
    ),
    "checkpoints": (
        lambda x: rd.load_checkpoints(
            {name: [value] * 2 for name, value in {**SHALLOW, "A": x}.items()},
            layout="canonical",
        ),
        np.array([[0.5]]),
    ),
    "basins axis": (
        lambda x: rd.basins(TENT.with_parameters(W=[[-2.5]]), x, max_steps=9, progress=False),
        np.array([0.0, 0.5]),
    ),
    "branch": (lambda x: branch().points(x), np.array([0.25, 0.5])),
    "contains": (lambda x: continuum().contains(x), np.array([0.0, 0.0])),
    "orbits": (state_space, np.array([[0.0, 0.5]])),
    "z0": (
        lambda x: rd.lyapunov_spectrum(TENT, z0=x, n_steps=9, progress=False),
        np.array([0.1]),
    ),
    "step": (lambda x: TENT.step(x), np.array([0.1])),
}


@pytest.mark.parametrize("name", CALLS)
def test_complex_numbers_are_refused(name):
    call, numbers = CALLS[name]
    call(numbers)
    for wrong in (numbers + 0.0j, numbers + 1.0j, (numbers + 1.0j).tolist()):
        with pytest.raises((TypeError, ValueError)) as caught:
            call(wrong)
        # Ours, and not NumPy's own words.
        assert re.search(r"number|complex", str(caught.value)), caught.value
        assert "ComplexWarning" not in repr(caught.value)


def test_words_are_no_numbers():
    with pytest.raises(TypeError, match="the radius of box must hold real numbers, got str"):
        rd.find_cycles(TENT, 2, box="3", progress=False)
