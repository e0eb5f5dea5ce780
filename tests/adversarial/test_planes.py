"""Planes of networks made to go wrong, whose grids meet borders and multipliers of 1 exactly."""

import pytest

import rnndyn as rd
from adversarial.pairs import adversarial_plane, orders_of
from adversarial.plane_checks import problems_of_plane
from draws import drawn

COUNT = drawn(22, 2_500)
BATCH = 11  # one of every kind


def problems_with(number: int, path) -> list[str]:
    kind, model, x, y = adversarial_plane(number)
    orders = orders_of(model)
    where = f"plane {number} ({kind})"
    try:
        diagram = rd.stability_diagram(model, x, y, orders=orders, progress=False, n_threads=1)
    except ValueError as refusal:
        return [] if "rescale" in str(refusal) else [f"{where}: {refusal}"]
    problems = [f"{where}: {text}" for text in problems_of_plane(diagram, orders)]
    diagram.save(path)
    if rd.load_result(path) != diagram:
        problems.append(f"{where}: not the same after loading")
    return problems


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_counts_are_those_of_an_exact_list(first, tmp_path):
    problems = []
    for number in range(first, min(first + BATCH, COUNT)):
        problems += problems_with(number, tmp_path / "diagram.npz")
    assert problems == []


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (29, "two fixed points 5e-324 from each other"),
        (35, "points at 4e7"),
        (54, "a border met by subnormal numbers"),
        (184, "a fixed point at 2e15"),
        (186, "a border fixed point at the last point of both lines"),
    ],
)
def test_what_was_counted_wrong(number, what, tmp_path):
    assert problems_with(number, tmp_path / "diagram.npz") == []
