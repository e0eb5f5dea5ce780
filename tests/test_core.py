"""The compiled core: its random numbers, and its builds for different instruction sets."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from rnndyn._core._core import supported_instruction_sets

from rnndyn import _core

RESULTS = """
import json
import numpy as np
import rnndyn as rd
from rnndyn import _core

def random_map(m, h, seed, scale):
    r = np.random.default_rng(seed)
    return rd.ShallowPLRNN(
        r.uniform(0.2, 0.8, m), scale * r.normal(size=(m, h)) / h**0.5,
        r.normal(size=(h, m)) / m**0.5, r.normal(size=m), r.normal(size=h),
    )

found = []
for model, order, method in [
    (rd.examples.load("plrnn_10d_10"), 10, "search"),
    (rd.examples.load("plrnn_2d_40"), 40, "search"),
    (rd.examples.load("plrnn_2d_16"), 8, "exhaustive"),
    (rd.examples.load("shallow_2d_h10_cycles"), 4, "auto"),
    (rd.examples.load("plrnn_10d_10"), 2, "complete"),
    (rd.examples.lozi_map(), 8, "complete"),
    (random_map(20, 70, 1, 2.0), 1, "search"),
    (random_map(3, 20, 2, 2.0), 1, "complete"),
]:
    cycles = rd.find_cycles(model, orders=[1, order], method=method, seed=3)
    found += [[c.order, c.stability, c.certified, c.points.tolist()] for c in cycles]

r = np.random.default_rng(5)
exponents = []
for cell, gates in ((rd.RNN, 1), (rd.GRU, 3), (rd.LSTM, 4)):
    n = 21
    network = cell(r.normal(size=(gates * n, 2)), 0.4 * r.normal(size=(gates * n, n)),
                   r.normal(size=gates * n), r.normal(size=gates * n))
    for dtype in ("float64", "float32"):
        spectrum = rd.lyapunov_spectrum(
            network, r.normal(size=(2, 60, 2)), transient=0, n_exponents=7, dtype=dtype
        )
        exponents.append([dtype, spectrum.exponents.tolist()])
driven = rd.lyapunov_spectrum(random_map(5, 30, 3, 0.5), n_steps=200, transient=10, seed=1)
exponents.append(["float64", driven.exponents.tolist()])

cycles = rd.find_cycles(rd.examples.load("plrnn_2d_16"), max_order=16)
labels = rd.basins(cycles, resolution=20).labels.ravel().tolist()
print(json.dumps([_core.instruction_set, found, exponents, labels]))
"""


@pytest.mark.parametrize("seed", range(5))
def test_random_numbers_are_those_of_numpy(seed):
    rng = np.random.default_rng(seed)
    key = rng.integers(0, 2**63, 2, dtype=np.uint64)
    counter = rng.integers(0, 2**63, 4, dtype=np.uint64)
    expected = np.random.Philox(key=key, counter=counter).random_raw(13)
    # NumPy raises the counter before the first block.
    first = [int(counter[0]) + 1, *map(int, counter[1:])]
    np.testing.assert_array_equal(_core.philox([int(k) for k in key], first, 13), expected)


def results_with(instruction_set):
    environment = {**os.environ, "RNNDYN_INSTRUCTION_SET": instruction_set}
    return subprocess.run(
        [sys.executable, "-c", RESULTS],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_instruction_set_gives_the_same_results():
    reference = None
    for name in supported_instruction_sets():
        done = results_with(name)
        if "cannot be used here" in done.stderr:
            continue  # not part of this build (sanitizers build the baseline only)
        assert not done.stderr
        used, found, exponents, labels = json.loads(done.stdout)
        assert used == name
        reference = reference or (found, exponents, labels)
        assert [record[:3] for record in found] == [record[:3] for record in reference[0]]
        for own, other in zip(found, reference[0], strict=True):
            np.testing.assert_allclose(own[3], other[3], rtol=1e-12, atol=1e-12)
        for (dtype, own), (_, other) in zip(exponents, reference[1], strict=True):
            tolerance = 1e-9 if dtype == "float64" else 1e-3
            np.testing.assert_allclose(own, other, rtol=tolerance, atol=tolerance)
        assert labels == reference[2]
    assert reference
    assert len(reference[0]) >= 20


def test_an_unknown_instruction_set_is_refused_with_the_choices():
    done = results_with("mmx")
    assert done.returncode != 0
    assert "RNNDYN_INSTRUCTION_SET='mmx' cannot be used here; choose one of" in done.stderr


def test_sizes_are_checked_at_the_border_to_the_core():
    core = _core.CanonicalMap(np.eye(2), np.eye(2), np.eye(2), np.zeros(2), np.zeros(2))
    for call in (core.step, core.region, core.preactivation, lambda z: core.orbit(z, 3)):
        with pytest.raises(ValueError, match="one entry per dimension"):
            call(np.zeros(3))
    with pytest.raises(ValueError, match="must not be negative"):
        core.orbit(np.zeros(2), -1)
    with pytest.raises(ValueError, match="at least one region"):
        _core.solve_cycle(core, np.zeros((0, 2), dtype=bool))
    with pytest.raises(ValueError, match="shape"):
        _core.solve_cycle(core, np.zeros((1, 3), dtype=bool))
    with pytest.raises(ValueError, match="at least 1"):
        _core.find_cycles(core, [0])
    with pytest.raises(ValueError, match="corner of the box"):
        _core.find_cycles(core, [1], box_lower=np.zeros(1), box_upper=np.ones(1))
