"""Basins of networks made to go wrong: an orbit that is said to arrive does so in exact numbers."""

import numpy as np
import pytest

import rnndyn as rd
from adversarial.basin_checks import problems_of_basins
from adversarial.checks import truths_of
from adversarial.networks import adversarial_network
from adversarial.pairs import orders_of
from draws import drawn

COUNT = drawn(66, 5_000)
BATCH = 11  # one of every kind

pytestmark = pytest.mark.filterwarnings("error")


def problems_with(number: int, path) -> list[str]:
    kind, model = adversarial_network(number)
    orders = orders_of(model)
    truths = truths_of(model, orders)
    rng = np.random.default_rng([number, 18])
    size = 10.0 ** rng.choice([-3, 0, 0, 0, 3, 8])
    x = np.linspace(-size, size, 4)
    plane = {"x_values": x}
    if model.n_states > 1:
        plane |= {"y_values": x, "dims": (0, 1)}
    where = f"network {number} ({kind})"
    try:
        cycles = rd.find_cycles(model, orders=orders, method="exhaustive", progress=False)
        known = cycles if number % 3 else model
        basins = rd.basins(known, **plane, max_steps=200, n_threads=1, progress=False)
    except ValueError as refusal:
        return [] if "rescale" in str(refusal) else [f"{where}: {refusal}"]
    problems = [f"{where}: {text}" for text in problems_of_basins(basins, model, truths)]
    basins.save(path)
    if rd.load_result(path) != basins:
        problems.append(f"{where}: not the same after loading")
    return problems


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_orbits_arrive_where_they_are_said_to(first, tmp_path):
    problems = []
    for number in range(first, min(first + BATCH, COUNT)):
        problems += problems_with(number, tmp_path / "basins.npz")
    assert problems == []


@pytest.mark.parametrize("number", [87, 265])
def test_neighbourhoods_beyond_the_range_of_numbers_are_none(number, tmp_path):
    assert problems_with(number, tmp_path / "basins.npz") == []
