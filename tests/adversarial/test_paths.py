"""Paths between networks made to go wrong: what is on no branch is on a gap."""

import pytest

import rnndyn as rd
from adversarial.pairs import adversarial_pair, orders_of
from adversarial.path_checks import problems_of_path
from draws import drawn

COUNT = drawn(33, 5_000)
BATCH = 11  # one of every kind


def problems_with(number: int, path) -> list[str]:
    kind, first, second = adversarial_pair(number)
    orders = orders_of(first)
    method = "search" if number % 5 == 4 else "exhaustive"
    where = f"pair {number} ({kind}), {method}"
    try:
        result = rd.continue_cycles(
            first, second, orders=orders, method=method, progress=False, n_threads=1
        )
    except ValueError as refusal:
        return [] if "rescale" in str(refusal) else [f"{where}: {refusal}"]
    problems = []
    if method == "exhaustive":
        problems = [f"{where}: {text}" for text in problems_of_path(result, first, second, orders)]
    result.save(path)
    if rd.load_result(path) != result:
        problems.append(f"{where}: not the same after loading")
    return problems


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_branches_and_gaps_hold_all_cycles(first, tmp_path):
    problems = []
    for number in range(first, min(first + BATCH, COUNT)):
        problems += problems_with(number, tmp_path / "branches.npz")
    assert problems == []


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (70, "a regular chain whose determinant is below its rounding errors everywhere"),
        (74, "a border within 1e-17 all along"),
        (253, "events within 1e-8 of an end"),
        (271, "an offset that is subnormal along the path"),
        (418, "a wide place next to an end"),
        (1420, "values beyond the range of numbers, whose roots filled the memory"),
        (1649, "a border that is hidden but in the middle of the path"),
    ],
)
def test_what_was_dropped_without_a_word(number, what, tmp_path):
    assert problems_with(number, tmp_path / "branches.npz") == []
