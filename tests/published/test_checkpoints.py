"""150 consecutive parameter sets of a real trained network (M = 3, H = 8) against full listings.

The everyday run looks at a fifth of them, from the first to the last.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from reference import ExactMap, disagreements
from reference.enumeration import truths_of_orders

FILE = Path(__file__).parents[3] / "shared" / "data" / "shplrnn_150_checkpoints.mat"


def load_checkpoints() -> list[rd.ShallowPLRNN]:
    """The file holds z' = A z + W2 relu(W1 z + h1) + h2 + C s: names swapped against ours."""
    loadmat = pytest.importorskip("scipy.io").loadmat
    content = loadmat(FILE)
    A, h1, h2, C, s = (
        np.asarray(content[name], dtype=float) for name in ("A", "h1", "h2", "C", "s")
    )
    offset = h2.ravel() + C @ s.ravel()
    return [
        rd.ShallowPLRNN(A=A, W1=outer, W2=inner, h1=offset, h2=h1.ravel())
        for inner, outer in zip(content["W1"], content["W2"], strict=True)
    ]


@pytest.mark.skipif(not FILE.exists(), reason="the shared data folder is not here")
def test_fixed_points_and_two_cycles_equal_the_listing_of_all_regions_and_pairs():
    models = load_checkpoints()
    assert len(models) == 150
    problems = []
    n_found = 0
    for index in np.linspace(0, 149, drawn(30, 150)).round().astype(int):
        model = models[index]
        truths = truths_of_orders(model.canonical, [1, 2])
        cycles = rd.find_cycles(model, max_order=2, progress=False)
        n_found += len(cycles)
        reported = SimpleNamespace(cycles=list(cycles), continua=list(cycles.continua))
        found = disagreements(ExactMap.of(model.canonical), reported, truths)
        problems += [f"checkpoint {index}: {text}" for text in found]
    assert problems == []
    assert n_found > 0
