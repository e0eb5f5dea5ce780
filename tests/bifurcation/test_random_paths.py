"""Random paths of every family against full listings and generalised eigenvalues."""

import numpy as np
import pytest

import rnndyn as rd
from bifurcation.path_checks import (
    border_problems,
    existence_problems,
    pair_from,
    pencil_problems,
    problems_of,
    random_pair,
)
from draws import drawn
from reference.bifurcation import StraightPath
from reference.networks import FAMILIES, SeededEntries, Size


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(drawn(6, 20)))
def test_branches_equal_listings_and_every_event_changes_something(family, seed):
    first, second = random_pair(family, seed, Size(3, 3))
    assert problems_of(first, second, max_order=3, method="exhaustive") == []


def test_roots_of_small_functions_beside_large_ones_leave_no_gap():
    # A pre-activation with three roots within 0.003, of a size of 1e-5 between them; 1e4 elsewhere.
    first, second = random_pair("PiecewiseLinearMap", 12019, Size(3, 3))
    assert problems_of(first, second, max_order=3, method="exhaustive") == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(100, 100 + drawn(2, 5)))
def test_larger_networks_with_orders_up_to_two(family, seed):
    first, second = random_pair(family, seed, Size(4, 5))
    assert problems_of(first, second, max_order=2, method="exhaustive") == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(200, 200 + drawn(2, 4)))
def test_events_are_where_the_pencils_are_singular(family, seed):
    first, second = random_pair(family, seed, Size(3, 3))
    result = rd.continue_cycles(first, second, max_order=2, method="exhaustive", progress=False)
    path = StraightPath(first.canonical, second.canonical)
    assert pencil_problems(result, path, 2) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_search_at_both_ends_leaves_no_gap(family):
    for seed in range(300, 300 + drawn(2, 5)):
        first, second = random_pair(family, seed, Size(3, 3))
        result = rd.continue_cycles(first, second, max_order=3, method="search", progress=False)
        assert result.run.method == "search"
        assert result.gaps == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_coincidences_leave_open_is_reported_as_gaps(family):
    # Halves and small integers: borders, singular systems and events exactly at the models.
    n_gaps = 0
    for seed in range(drawn(8, 12)):
        entries = SeededEntries(np.random.default_rng([77, seed]), tied=True)
        first, second = pair_from(entries, family, Size(3, 3))
        result = rd.continue_cycles(first, second, max_order=2, method="exhaustive", progress=False)
        n_gaps += len(result.gaps)
        path = StraightPath(first.canonical, second.canonical)
        with np.errstate(all="ignore"):
            assert existence_problems(result, path, 2) == [] or len(result.gaps) > 0
            assert border_problems(result, path, 2) == []
    assert n_gaps > 0
