"""Shares of basins in a box, with error bars."""

import tracemalloc

import numpy as np
import pytest

import ctrl_c
import rnndyn as rd
from basin_cases import bistable
from draws import drawn
from manifold_cases import cycles_of, fates, network


def test_error_bars_hold_the_exact_share_as_often_as_they_say():
    """The border of the two basins is at 0: from -1 to 3 the right one takes 3/4."""
    n_runs = drawn(60, 1_000)
    cycles = rd.find_cycles(bistable(), 1, progress=False)
    right = int(np.argmax([cycle.points[0, 0] for cycle in cycles.stable]))
    hits = 0
    for seed in range(n_runs):
        found = rd.basin_fractions(cycles, (-1.0, 3.0), n=200, seed=seed, n_threads=1)
        lower, upper = found.interval(0.9)
        assert lower[right] < found.fractions[right] < upper[right]
        hits += lower[right] <= 0.75 <= upper[right]
        assert found.n == found.counts.sum() == 200
    # Three standard deviations of a binomial number, and the coarseness of 200 states.
    assert abs(hits / n_runs - 0.9) < 3.0 * np.sqrt(0.09 / n_runs) + 0.03


@pytest.mark.parametrize("n_states", [2, 5])
def test_the_counts_are_those_of_brute_force(n_states):
    cycles = cycles_of(network(0, n_states, 4), 1)
    found = rd.basin_fractions(cycles, 3.0, n=300, seed=5, n_threads=1)
    states = -3.0 + 6.0 * np.random.default_rng(5).random((300, n_states))
    labels = fates(found.model, found.attractors, states)
    for number, count in enumerate(found.counts):
        assert count == (labels == number).sum()
    assert found.n_unbounded == 0


def test_attractors_that_nobody_named_are_found():
    found = rd.basin_fractions(bistable(), 3.0, n=500)
    assert len(found.attractors) == 2
    assert found.run.n_given == 0
    np.testing.assert_allclose(found.fractions, 0.5, atol=0.1)
    assert "2 stable cycles" in repr(found)
    assert "95 % interval" in repr(found)


def test_unbounded_orbits_are_counted():
    line = rd.PLRNN(A=[[2.0]], W=[[-1.5]], h=[1.0])
    found = rd.basin_fractions(line, ([-3.0], [1.0]), n=400)
    # From below -1 orbits are unbounded: half of the box.
    assert abs(found.n_unbounded / 400 - 0.5) < 0.1
    assert "Unbounded, beyond " in repr(found)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((1.0, 2.0, 3.0), "box must be a number R, or"),
        (-1.0, "box, a radius, must be positive, got -1"),
        (np.ones(3), "the radius of box must be a number or have shape"),
        (np.inf, "the radius of box must be finite"),
    ],
)
def test_what_is_no_box_is_refused(box, message):
    with pytest.raises(ValueError, match=message):
        rd.basin_fractions(bistable(), box)


def test_a_confidence_is_a_probability():
    found = rd.basin_fractions(bistable(), 3.0, n=10)
    for wrong in (1.0, 0.0, "95 %", None):
        with pytest.raises(ValueError, match="confidence must be a number between 0 and 1"):
            found.interval(wrong)


def test_ctrl_c_while_neighbourhoods_are_prepared(monkeypatch):
    """Nothing is followed then, and that is what the result says."""

    cycles = rd.find_cycles(bistable(), 1, progress=False)
    monkeypatch.setattr("rnndyn.basins_of_attraction._fates.neighbourhoods_of", ctrl_c.press)
    found = rd.basin_fractions(cycles, 3.0, n=100)
    assert found.run.stopped_by == "interrupt"
    assert not found.complete
    assert found.n == 0
    assert "INCOMPLETE" in repr(found)


def test_stable_cycles_without_a_neighbourhood_are_named(monkeypatch):
    cycles = rd.find_cycles(bistable(), 1, progress=False)
    monkeypatch.setattr(
        "rnndyn.basins_of_attraction._fates.neighbourhoods_of", lambda *arguments: None
    )
    found = rd.basin_fractions(cycles, 3.0, n=20, max_steps=50)
    assert len(found.unclaimed) == 2
    assert found.n_undecided == 20
    assert "No basin is claimed for 2 stable cycles" in repr(found)


def test_a_result_like_the_others(tmp_path):
    found = rd.basin_fractions(bistable(), 3.0, n=50)
    found.save(tmp_path / "shares.npz")
    assert rd.load_result(tmp_path / "shares.npz") == found
    assert rd.BasinFractions.load(tmp_path / "shares.npz") == found
    assert found.to_rows()[0]["share"] == found.fractions[0]
    assert "<th>95 % interval</th>" in found._repr_html_()


def test_states_are_drawn_in_blocks(monkeypatch):
    cycles = cycles_of(network(0, 3, 4), 1)
    model = cycles.model
    whole = rd.basin_fractions(model, 3.0, n=500, max_steps=2000)
    monkeypatch.setattr("rnndyn.basins_of_attraction.fractions._AT_A_TIME", 64)
    blocks = rd.basin_fractions(model, 3.0, n=500, max_steps=2000)
    assert len(whole.attractors) > 0
    assert blocks.counts.tolist() == whole.counts.tolist()
    assert (blocks.n_unbounded, blocks.n_undecided) == (whole.n_unbounded, whole.n_undecided)
    assert blocks.run.n_points_done == 500


def test_as_many_states_as_memory_does_not_hold():
    cycles = cycles_of(network(0, 3, 4), 1)
    tracemalloc.start()
    found = rd.basin_fractions(cycles, 3.0, n=10**10, time_limit=0.3, n_threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.run.stopped_by == "time_limit"
    assert 0 < found.run.n_points_done < 10**10
    assert peak < 2**26
    assert found.run.seconds < 3.0
