"""What a search says about itself."""

import json
import pickle

import pytest

from records import order_statistics, searched_order, statistics
from rnndyn.search_statistics import SearchStatistics


def test_totals_over_orders():
    search = statistics(order_statistics(1), searched_order(2), searched_order(5, coverage=0.9))
    assert search.n_restarts == 2000
    assert search.n_solves == 2 + 2 * 4321
    assert search.coverage == 0.9
    assert search.listed_orders == (1,)
    assert search.complete


def test_no_estimate_is_none_not_one():
    assert statistics(order_statistics(1)).coverage is None
    assert statistics(searched_order(3, coverage=None, n_hits=0)).coverage is None


@pytest.mark.parametrize("reason", ["time_limit", "interrupt"])
def test_a_stopped_search_is_not_complete(reason):
    search = statistics(searched_order(2), stopped_by=reason)
    assert not search.complete
    assert search.summary()[0].startswith("INCOMPLETE: ")


def test_an_unfinished_list_is_not_called_complete():
    search = statistics(order_statistics(9, complete=False), stopped_by="interrupt")
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
