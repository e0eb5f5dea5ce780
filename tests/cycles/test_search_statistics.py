"""What a search says about itself."""

import itertools
import json
import pickle

import numpy as np
import pytest
from scipy import stats

from records import order_statistics, searched_order, statistics
from rnndyn.cycles.run import SearchStatistics, coverage_lower_bound


def test_totals_over_orders():
    search = statistics(order_statistics(1), searched_order(2), searched_order(5, coverage=0.9))
    assert search.n_restarts == 2000
    assert search.n_solves == 2 + 2 * 4321
    assert search.coverage == 0.9
    assert search.listed_orders == (1,)
    # It ran to its end, and what was searched at random may lack cycles.
    assert search.finished
    assert not search.complete
    assert statistics(order_statistics(1)).complete


def test_no_estimate_is_none_not_one():
    assert statistics(order_statistics(1)).coverage is None
    assert statistics(searched_order(3, coverage=None, n_hits=0)).coverage is None


@pytest.mark.parametrize("reason", ["time_limit", "interrupt"])
def test_a_stopped_search_is_not_finished(reason):
    search = statistics(searched_order(2), stopped_by=reason)
    assert not search.finished
    assert search.summary()[0].startswith("INCOMPLETE: ")


def test_an_unfinished_list_is_not_called_complete():
    search = statistics(order_statistics(9, finished=False), stopped_by="interrupt")
    assert search.listed_orders == ()
    assert not any("nothing is missing" in line for line in search.summary())


def test_orders_are_named_in_runs():
    search = statistics(*(order_statistics(order) for order in (1, 2, 3, 5, 8, 9)))
    (line,) = search.summary()
    assert line.startswith("Orders 1 to 3, 5, 8 and 9: ")


def test_coverage_just_below_one_does_not_read_100_percent():
    (line,) = statistics(searched_order(2, coverage=0.999999)).summary()
    assert "99.99 %" in line
    (line,) = statistics(searched_order(2, coverage=1.0)).summary()
    assert "100 %" in line


def test_options_cannot_be_changed():
    search = statistics(order_statistics(1))
    with pytest.raises(TypeError):
        search.options["method"] = "scyfi"
    with pytest.raises(AttributeError):
        search.seed = 1


def test_statistics_survive_json_and_pickle():
    search = statistics(order_statistics(1), searched_order(2), stopped_by="time_limit")
    assert SearchStatistics.from_dict(json.loads(json.dumps(search.to_dict()))) == search
    assert pickle.loads(pickle.dumps(search)) == search


# Lower bound of the coverage --------------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n_singletons", [0, 1, 2, 10, 19, 20, 21, 100, 5000])
def test_bound_is_the_gamma_quantile(n_singletons, confidence):
    n_hits = 10**6
    missing = stats.gamma.ppf(confidence, n_singletons + 1 / 3) / n_hits
    bound = coverage_lower_bound(n_hits, n_singletons, confidence)
    assert 1.0 - bound == pytest.approx(missing, rel=5e-4)


def test_bound_without_singletons_shrinks_like_one_over_the_hits():
    assert coverage_lower_bound(1, 0) == pytest.approx(1.0 - 0.96956, abs=1e-5)
    assert coverage_lower_bound(1000, 0) == pytest.approx(1.0 - 0.00096956, abs=1e-8)


def test_bound_falls_with_singletons_and_confidence_and_grows_with_hits():
    by_singletons = [coverage_lower_bound(500, count) for count in range(60)]
    by_hits = [coverage_lower_bound(count, 3) for count in range(5, 500)]
    by_confidence = [coverage_lower_bound(50, 2, level) for level in np.linspace(0.05, 0.99, 30)]
    assert all(more < less for less, more in itertools.pairwise(by_singletons))
    assert all(more > less for less, more in itertools.pairwise(by_hits))
    assert all(more < less for less, more in itertools.pairwise(by_confidence))


def test_bound_is_below_the_estimate_and_not_negative():
    for n_hits, n_singletons in [(1, 0), (1, 1), (7, 7), (100, 40), (10**6, 10**5)]:
        bound = coverage_lower_bound(n_hits, n_singletons)
        assert bound == 0.0 or 0.0 < bound < 1.0 - n_singletons / n_hits


def test_bound_needs_hits():
    assert coverage_lower_bound(0, 0) is None
    record = searched_order(3, coverage=None, n_hits=0, n_singletons=0)
    assert record.coverage_lower is None
    assert statistics(record).coverage_lower is None
    assert statistics(order_statistics(1)).coverage_lower is None


@pytest.mark.parametrize("counts", [(-1, 0), (5, 6), (5, -1)])
def test_bound_refuses_impossible_counts(counts):
    with pytest.raises(ValueError, match="n_singletons <= n_hits"):
        coverage_lower_bound(*counts)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 90, float("nan")])
def test_bound_refuses_impossible_confidence(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        coverage_lower_bound(10, 1, confidence)


@pytest.mark.parametrize(("n_kinds", "n_hits"), [(20, 30), (300, 300), (3000, 500)])
def test_bound_holds_in_most_independent_draws(n_kinds, n_hits):
    rng = np.random.default_rng(n_kinds)
    holds = []
    for _ in range(1000):
        chances = rng.dirichlet(np.full(n_kinds, 0.7))
        counts = rng.multinomial(n_hits, chances)
        known = float(chances[counts > 0].sum())
        holds.append(known >= coverage_lower_bound(n_hits, int((counts == 1).sum())))
    assert 0.8 <= np.mean(holds) <= 0.97


def test_lowest_bound_over_orders_is_reported():
    search = statistics(
        order_statistics(1),
        searched_order(2, coverage=0.99, n_hits=1000, n_singletons=10),
        searched_order(3, coverage=1.0, n_hits=5, n_singletons=0),
    )
    assert search.coverage == 0.99
    assert search.coverage_lower == search.orders[2].coverage_lower
    assert search.coverage_lower == coverage_lower_bound(5, 0)
    assert search.summary()[-1].endswith(
        "coverage at least 80.61 % with 90 % confidence; 5 hits are too few to estimate it, "
        "lowest at order 3"
    )


def test_full_estimate_from_few_hits_is_not_printed():
    for n_hits in (1, 2, 5, 14):
        (line,) = statistics(
            searched_order(4, coverage=1.0, n_hits=n_hits, n_singletons=0)
        ).summary()
        assert "100 %" not in line
        assert f"{n_hits} hit" in line
    (line,) = statistics(searched_order(4, coverage=1.0, n_hits=2000, n_singletons=0)).summary()
    assert "estimated coverage 100 % (at least 99.95 %" in line


def test_one_order_needs_no_lowest():
    (line,) = statistics(searched_order(4)).summary()
    assert line.endswith("estimated coverage 99 % (at least 98.48 % with 90 % confidence)")
