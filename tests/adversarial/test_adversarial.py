"""All methods on networks made to go wrong: what is claimed is true, and what is missing is said.

``python -m bench truth`` takes 20,000 networks, and with ``--adversarial N`` any number.
"""

import pytest

import rnndyn as rd
from adversarial.checks import METHODS, problems_of, truths_of
from adversarial.networks import adversarial_network, orders_of
from draws import drawn

COUNT = drawn(330, 20_000)
BATCH = 11  # one of every kind
#: Of the 20,000, those of which something was wrong or missing once; every day, too.
FOUND_WRONG = (
    # Cycles refuted by what rounding or underflow made of their orbits.
    *(1646, 5407, 5654, 10296, 10776, 11073, 11925, 12508, 13904, 14495),
    # A proof split at an infinite radius; a residual that is no number.
    *(736, 1143, 11593, 10990),
)


def problems_with(number: int, path) -> list[str]:
    kind, model = adversarial_network(number)
    orders = orders_of(model)
    truths = truths_of(model, orders)
    problems = []
    for method in METHODS:
        where = f"network {number} ({kind}), {method}"
        try:
            found = rd.find_cycles(
                model,
                orders=orders,
                method=method,
                progress=False,
                n_threads=1,
                max_restarts=20 if method in ("search", "scyfi") else None,
                time_limit=10.0,
            )
        except ValueError as refusal:
            if "rescale" not in str(refusal):
                problems.append(f"{where}: {refusal}")
            continue
        problems += [f"{where}: {text}" for text in problems_of(found, model, truths)]
        found.save(path)
        if rd.load_result(path) != found:
            problems.append(f"{where}: not the same after loading")
    return problems


@pytest.mark.parametrize("number", FOUND_WRONG)
def test_what_was_wrong_once(number, tmp_path):
    assert problems_with(number, tmp_path / "cycles.npz") == []


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_nothing_false_and_nothing_silently_missing(first, tmp_path):
    problems = []
    for number in range(first, min(first + BATCH, COUNT)):
        problems += problems_with(number, tmp_path / "cycles.npz")
    assert problems == []
