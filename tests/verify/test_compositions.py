"""Certificates of compositions list what is proved of their chains, and nothing else."""

import dataclasses

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn

ROW = ("itinerary", "points", "error_bound", "certified", "on_border")


def proved(model, U, orders, **options):
    return rd.find_cycles(
        model, orders=orders, inputs=U, periodic=True, method="complete", keep_tree=True,
        progress=False, **options,
    )  # fmt: skip


def switching(**options):
    """A cycle of order 2 and one of order 4."""
    unit = rd.PLRNN(A=[0.5], W=[[-3.0]], h=[0.5], C=[[1.0]], s=[0.0])
    return proved(unit, [[1.0], [-1.0]], [2, 4], **options)


def rows(block, index):
    return dataclasses.replace(block, **{name: getattr(block, name)[index] for name in ROW})


def with_first(certificate, block):
    return dataclasses.replace(certificate, cycles=(block, *certificate.cycles[1:]))


def moved(certificate):
    """A listed fixed point that is not there."""
    block = rows(certificate.cycles[0], [0, 0])
    points = block.points.copy()
    points[1] += 7.0
    return dataclasses.replace(block, points=points, certified=np.array([True, False]))


def run_twice(certificate):
    """The cycle of order 2 as one of order 4."""
    once, other = certificate.cycles
    twice = dataclasses.replace(
        once,
        order=4,
        itinerary=np.concatenate([once.itinerary] * 2, axis=1),
        points=np.concatenate([once.points] * 2, axis=1),
        error_bound=np.full(1, 1e3),
    )
    (chain,) = (b for b in certificate.chains[4].cycles)
    for index in range(len(chain)):
        if (chain.itinerary[index].reshape(4, 1) == twice.itinerary[0]).all():
            twice = dataclasses.replace(twice, points=chain.points[index].reshape(1, 4, 1))
    both = {n: np.concatenate([getattr(other, n), getattr(twice, n)]) for n in ROW}
    return dataclasses.replace(certificate, cycles=(once, dataclasses.replace(other, **both)))


def false_claims(certificate):
    block = certificate.cycles[0]
    for value in (np.nan, np.inf, -1.0):
        yield "error", with_first(certificate, dataclasses.replace(block, error_bound=[value]))
    yield "listed twice", with_first(certificate, rows(block, [0, 0]))
    yield "fixed point", with_first(certificate, moved(certificate))
    yield "fixed point", with_first(certificate, dataclasses.replace(block, on_border=[True]))
    yield "fixed point", with_first(certificate, dataclasses.replace(block, certified=[False]))
    yield "period", run_twice(certificate)
    yield "not listed", dataclasses.replace(certificate, cycles=())
    yield "network", dataclasses.replace(certificate, fingerprint="0" * 64)
    yield "continuum", dataclasses.replace(certificate, continua=(np.zeros((2, 1), bool),))
    for low, high in ((-1e-3, 1e-3), (np.nan, 1.0), (1.0, -1.0), (-np.inf, np.inf)):
        box = (np.array([low]), np.array([high]))
        yield "box", dataclasses.replace(certificate, box=box)


@pytest.mark.parametrize("box", [None, 5.0])
def test_false_lists_are_refused_in_one_sentence(box):
    found = switching(box=box)
    assert found.certificate.verify(found.model).confirmed
    n_wrong = 0
    for what, wrong in false_claims(found.certificate):
        verdict = wrong.verify(found.model)
        assert not verdict.confirmed, what
        assert len(verdict.reasons) == 1
        n_wrong += 1
    assert n_wrong == 15


def test_what_a_proof_leaves_to_its_lists_cannot_be_dropped():
    # Two states on borders; a line of cycles; and what cannot be decided.
    on_border = proved(
        rd.PLRNN([0.5], [[-1.0]], [0.0], C=[[1.0]], s=[0.0]), [[1.0], [0.5]], [2]
    )  # fmt: skip
    assert on_border.certificate.cycles[0].on_border.any()
    line = proved(rd.PLRNN([-1.0], [[0.0]], [0.0], C=[[1.0]], s=[0.0]), [[0.5], [-1.0], [0.0]], [6])
    assert len(line.continua) == 1
    for found, change in ((on_border, {"cycles": ()}), (line, {"continua": ()})):
        certificate = found.certificate
        assert certificate.verify(found.model).confirmed
        verdict = dataclasses.replace(certificate, **change).verify(found.model)
        assert not verdict.confirmed
        assert verdict.reasons[0].endswith("not listed")


def test_a_line_is_not_lost_for_the_bits_of_units_that_do_nothing():
    """z -> 1 - z, whose chain has one line, with the bits of one of its points."""
    model = rd.PLRNN([-1.0], [[0.0]], [0.0], C=[[1.0]], s=[0.0])
    found = proved(model, [[1.0]] * 2, [2, 4], box=5.0)
    assert [one.order for one in found.continua] == [2]
    assert found.certificate.verify(found.model).confirmed


def test_random_compositions_with_borders_and_lines_are_confirmed():
    seen = set()
    for seed in range(drawn(40, 400)):
        rng = np.random.default_rng([5, seed])

        def some(*shape, rng=rng):
            return rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], size=shape)

        m, period = int(rng.integers(1, 3)), int(rng.integers(2, 4))
        model = rd.PLRNN(some(m), 2.0 * some(m, m), some(m), C=some(m, 1), s=[0.0])
        orders = [period, 2 * period] if m * period < 4 else [period]
        box = None if seed % 2 else 5.0
        found = proved(model, some(period, 1), orders, box=box)
        certificate = found.certificate
        if certificate is None or not certificate.proved_orders:
            continue
        verdict = certificate.verify(found.model)
        assert verdict.confirmed, (seed, verdict.reasons)
        seen.add("border" if any(b.on_border.any() for b in certificate.cycles) else "inside")
        seen.add("line" if certificate.continua else "points")
    assert seen == {"border", "inside", "line", "points"}
