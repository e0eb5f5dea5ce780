"""Certificates of networks made to go wrong: what says proved is confirmed in rational numbers."""

import pytest

import rnndyn as rd
from adversarial.networks import adversarial_network
from adversarial.pairs import orders_of
from draws import drawn

COUNT = drawn(55, 10_000)
BATCH = 11  # one of every kind


def problems_with(number: int, path) -> list[str]:
    kind, model = adversarial_network(number)
    where = f"network {number} ({kind})"
    try:
        found = rd.find_cycles(
            model,
            orders=orders_of(model),
            method="complete",
            keep_tree=True,
            progress=False,
            n_threads=1,
            time_limit=10.0,
        )
    except ValueError as refusal:
        return [] if "rescale" in str(refusal) else [f"{where}: {refusal}"]
    certificate = found.certificate
    certificate.save(path)
    problems = []
    loaded = rd.load_result(path)
    if loaded != certificate:
        problems.append(f"{where}: not the same after loading")
    if certificate.proved_orders and not (verdict := loaded.verify(model)).confirmed:
        problems.append(f"{where}: proved, but {verdict}")
    return problems


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_what_is_proved_is_confirmed(first, tmp_path):
    problems = []
    for number in range(first, min(first + BATCH, COUNT)):
        problems += problems_with(number, tmp_path / "proof.npz")
    assert problems == []
