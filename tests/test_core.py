"""The compiled core: its random numbers, and its builds for different instruction sets."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from rnndyn._core._core import supported_instruction_sets

from rnndyn import _core

SEARCH = """
import json, rnndyn as rd
from rnndyn import _core
found = []
for name, order, method in [
    ("plrnn_10d_10", 10, "search"), ("plrnn_2d_40", 40, "search"),
    ("plrnn_2d_16", 8, "exhaustive"), ("shallow_2d_h10_cycles", 4, "auto"),
]:
    cycles = rd.find_cycles(rd.examples.load(name), orders=[1, order], method=method, seed=3)
    found += [[c.order, c.stability, c.certified, c.points.tolist()] for c in cycles]
print(json.dumps([_core.instruction_set, found]))
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


def search_with(instruction_set):
    environment = {**os.environ, "RNNDYN_INSTRUCTION_SET": instruction_set}
    return subprocess.run(
        [sys.executable, "-c", SEARCH], env=environment, capture_output=True, text=True, check=False
    )


def test_every_instruction_set_finds_the_same_cycles():
    reference = None
    for name in supported_instruction_sets():
        done = search_with(name)
        if "cannot be used here" in done.stderr:
            continue  # not part of this build (sanitizers build the baseline only)
        used, found = json.loads(done.stdout)
        assert used == name
        reference = reference or found
        assert [record[:3] for record in found] == [record[:3] for record in reference]
        for own, other in zip(found, reference, strict=True):
            np.testing.assert_allclose(own[3], other[3], rtol=1e-12, atol=1e-12)
    assert reference
    assert len(reference) >= 10


def test_an_unknown_instruction_set_is_refused_with_the_choices():
    done = search_with("mmx")
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
