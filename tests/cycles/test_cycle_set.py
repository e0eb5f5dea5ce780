"""Sets of cycles: selection, tables, printing, speed for large sets."""

import pickle
import time
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from records import (
    line_set,
    order_statistics,
    searched_order,
    statistics,
    tent_cycles,
    tent_record,
)
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.result import CycleSet

GOLDEN = Path(__file__).parents[1] / "golden"


def check_golden(name, text):
    """Compare with a stored print; delete the file to have it written anew, and read it."""
    path = GOLDEN / name
    if not path.exists():
        path.write_text(text + "\n", encoding="utf-8")
        pytest.fail(f"{path} was missing and has been written: check it and run again")
    assert text + "\n" == path.read_text(encoding="utf-8")


def many_cycles(model, n, order=14):
    """A set of n two-dimensional cycles with made-up numbers, for printing and speed."""
    rng = np.random.default_rng(0)
    moduli = np.sort(np.exp(rng.normal(size=(n, 2))), axis=1)[:, ::-1]
    inside = (moduli < 1.0).sum(axis=1)
    block = CycleBlock.from_record(
        {
            "order": order,
            "points": rng.normal(size=(n, order, 2)),
            "itinerary": rng.random((n, order, 2)) < 0.5,
            "multipliers": moduli.astype(complex),
            "log_moduli": np.log(moduli),
            "spectral_radius": moduli[:, 0],
            "stability": np.array([2, 1, 0])[inside],
            "residual": np.zeros(n),
            "margin": rng.random(n),
            "error_bound": np.full(n, 1e-12),
            "on_border": np.arange(n) % 10 == 3,
            "certified": np.arange(n) % 10 != 3,
            "hits": np.arange(n),
        }
    )
    return CycleSet(model, [block], [], statistics(searched_order(order)))


def test_a_set_is_a_sequence_sorted_by_order(tent):
    cycles = tent_cycles(tent)
    assert len(cycles) == 5
    assert [cycle.order for cycle in cycles] == [1, 1, 2, 3, 3]
    assert cycles.orders == (1, 2, 3)
    assert [cycles[i] for i in range(5)] == list(cycles)
    assert cycles[-1] == cycles[4]
    assert cycles[np.int64(2)].order == 2
    assert cycles[2] in cycles
    assert cycles.index(cycles[3]) == 3
    assert list(reversed(cycles)) == list(cycles)[::-1]


@pytest.mark.parametrize("index", [5, -6, 100])
def test_an_index_out_of_range_is_refused(tent, index):
    with pytest.raises(IndexError, match=f"index {index} is out of range for a set of 5 cycles"):
        tent_cycles(tent)[index]


@pytest.mark.parametrize(
    "index",
    [slice(None), slice(1, 4), slice(0, 0), slice(3, None), slice(-2, None), slice(0, 5, 2)],
)
def test_a_slice_is_a_set(tent, index):
    cycles = tent_cycles(tent)
    part = cycles[index]
    assert isinstance(part, CycleSet)
    assert list(part) == list(cycles)[index]
    assert part.search is cycles.search


def test_a_slice_that_would_reorder_is_refused(tent):
    with pytest.raises(ValueError, match="step"):
        tent_cycles(tent)[::-1]


def test_parts_of_a_set(tent):
    cycles = tent_cycles(tent)
    assert [cycle.order for cycle in cycles.fixed_points] == [1, 1]
    assert len(cycles.of_order(3)) == 2
    assert len(cycles.of_order(4)) == 0
    assert len(cycles.unstable) == 5
    assert len(cycles.stable) == len(cycles.saddles) == len(cycles.nonhyperbolic) == 0
    near = cycles.select(lambda cycle: cycle.margin < 0.15)
    assert [cycle.order for cycle in near] == [3, 3]
    assert near.model is tent


def test_parts_by_stability_partition_a_set(lozi):
    cycles = many_cycles(lozi, 200)
    parts = [cycles.stable, cycles.saddles, cycles.unstable, cycles.nonhyperbolic]
    assert sum(len(part) for part in parts) == 200
    assert {cycle.stability for cycle in cycles.saddles} == {"saddle"}
    assert all(cycle.spectral_radius < 1 for cycle in cycles.stable)
    assert all(abs(cycle.multipliers).min() > 1 for cycle in cycles.unstable)


def test_continua_go_with_their_order():
    cycles = line_set()
    assert len(cycles) == 0
    assert len(cycles.continua) == 1
    assert cycles.fixed_points.continua == cycles.continua
    assert cycles.of_order(2).continua == ()
    assert cycles.stable.continua == ()
    assert cycles[:].continua == cycles.continua


def test_a_table_has_one_row_per_cycle(tent):
    rows = tent_cycles(tent).to_rows()
    assert [row["order"] for row in rows] == [1, 1, 2, 3, 3]
    assert rows[2] == {
        "order": 2,
        "stability": "unstable",
        "spectral_radius": 4.0,
        "log_spectral_radius": 2 * np.log(2.0),
        "margin": 0.2,
        "residual": 0.0,
        "error_bound": 1e-15,
        "on_border": False,
        "certified": True,
        "hits": 0,
        "itinerary": "0 1",
    }
    assert type(rows[0]["order"]) is int
    assert type(rows[0]["certified"]) is bool


def test_an_empty_set_has_an_empty_table():
    columns = line_set().to_columns()
    assert {len(column) for column in columns.values()} == {0}
    assert line_set().to_rows() == []


def test_itineraries_of_a_block_as_text(lozi):
    cycles = many_cycles(lozi, 30, order=3)
    texts = cycles.to_columns()["itinerary"]
    assert texts == [cycle.to_dict()["itinerary"] for cycle in cycles]


def test_a_dataframe_has_the_same_columns(tent):
    pandas = pytest.importorskip("pandas")
    cycles = tent_cycles(tent)
    frame = cycles.to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.to_dict(orient="records") == cycles.to_rows()


def test_sets_compare_by_cycles_and_model_not_by_effort(tent):
    cycles = tent_cycles(tent)
    assert cycles == tent_cycles(tent)
    longer = CycleSet(tent, cycles.blocks, [], statistics(order_statistics(1), seconds=9.0))
    assert cycles == longer
    assert cycles != cycles[:4]
    assert cycles != CycleSet(tent.with_parameters(h=[2.0]), cycles.blocks, [], cycles.search)
    assert cycles != list(cycles)
    assert line_set() == line_set()


def test_a_pickled_set_is_the_same(tent):
    for cycles in (tent_cycles(tent), line_set()):
        copy = pickle.loads(pickle.dumps(cycles))
        assert copy == cycles
        assert copy.search == cycles.search
        assert repr(copy) == repr(cycles)


def test_columns_are_read_only(tent):
    with pytest.raises(ValueError, match="read-only"):
        tent_cycles(tent).blocks[0].points[0] = 1.0


# Printing ------------------------------------------------------------------------------------


def test_print_of_a_complete_list(tent):
    check_golden("complete_list.txt", repr(tent_cycles(tent)))


def test_print_of_a_search(tent):
    blocks = [CycleBlock.from_record(tent_record(order, hits=1234)) for order in (1, 2)]
    orders = [
        order_statistics(1),
        searched_order(2),
        searched_order(3, coverage=None, n_hits=0),
        searched_order(4, coverage=0.95, n_singletons=40, finished=False),
    ]
    cycles = CycleSet(tent, blocks, [], statistics(*orders, stopped_by="time_limit"))
    check_golden("stopped_search.txt", repr(cycles))


def test_print_of_a_long_set(lozi):
    check_golden("long_set.txt", repr(many_cycles(lozi, 12345)))


def test_print_of_continua_only():
    check_golden("line_attractor.txt", repr(line_set()))


def test_print_for_a_notebook(tent):
    check_golden("complete_list.html", tent_cycles(tent)._repr_html_())


def test_a_set_up_to_the_limit_prints_every_cycle(lozi):
    # After the headline, which has cycles that are not certified as "more".
    rows = [repr(many_cycles(lozi, n)).partition("\n")[2] for n in (24, 25)]
    assert "more" not in rows[0]
    assert "7 more" in rows[1]


def test_a_headline_without_cycles_claims_nothing(lozi):
    """Neither of a search nor of a part of a proof's cycles, of which the lines below speak."""
    shift = rd.PLRNN(A=[[1.0]], W=[[0.0]], h=[1.0])
    for method in ("search", "complete"):
        none = rd.find_cycles(
            shift, 2, method=method, max_restarts=10 if method == "search" else None
        )
        assert len(none) == 0
        assert repr(none).startswith("no cycle found in PLRNN (1 state, 1 unit)")
    part = rd.find_cycles(lozi, 1, method="complete").stable
    assert repr(part).startswith("no cycle found in PLRNN (2 states, 2 units)")


def test_the_headline_counts_certified_cycles(lozi):
    cycles = many_cycles(lozi, 24)
    n_doubtful = sum(not cycle.certified for cycle in cycles)
    assert n_doubtful
    assert cycles.n_certified == 24 - n_doubtful
    assert repr(cycles).startswith(f"{24 - n_doubtful} cycles of PLRNN")
    assert repr(cycles).splitlines()[0].endswith(f"; {n_doubtful} more not certified")
    assert repr(cycles.select(lambda cycle: not cycle.certified)).splitlines()[0] == (
        f"no certified cycle found in PLRNN (2 states, 2 units); {n_doubtful} not certified"
    )


# Size ----------------------------------------------------------------------------------------


def test_a_set_of_100000_cycles_stays_fast(lozi):
    cycles = many_cycles(lozi, 100_000)
    # Of this process only: other tests run beside it.
    start = time.process_time()
    repr(cycles)
    cycles[77_777]
    cycles.stable.of_order(14)
    cycles[10:20]
    cycles.to_columns()
    seconds = time.process_time() - start
    # Milliseconds on any machine; making all the objects would take about a second.
    assert seconds < 0.5
    assert sum(1 for _ in cycles) == 100_000


def test_cycles_of_a_set_share_its_memory(lozi):
    cycles = many_cycles(lozi, 100)
    assert np.shares_memory(cycles[5].points, cycles.blocks[0].points)
