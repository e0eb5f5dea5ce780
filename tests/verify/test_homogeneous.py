"""Networks without offsets: rays of cycles, and an origin on all borders, in few nodes."""

import dataclasses

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from rnndyn.cycles.search import search
from verify.truth import false_cycles, missing, truths_of


def proved(model, orders, **options):
    given = {"max_restarts": None, "max_iterations": None, "box": None, "n_threads": 1}
    given |= {"time_limit": 20.0, "progress": False, "rigorous": True, "keep_tree": True}
    given |= {"resume": None, "seed": 0, "proof_method": "auto"}
    return search(model, None, orders, method="complete", **(given | options))


def quarters(rng, *shape):
    return rng.integers(-6, 7, shape) / 4.0


def random_network(rng, with_ray):
    """A network of quarters, so that a ray of fixed points may be there exactly."""
    m = int(rng.integers(1, 4))
    A, W = quarters(rng, m), quarters(rng, m, m)
    if rng.random() < 0.3 and m > 1:
        W[:, 1], W[:, 0] = W[:, 0], W[:, 1]  # tied units
    if with_ray:
        z = rng.integers(-2, 3, m).astype(float)
        z[0] = 1.0
        W[:, 0] += z - A * z - W @ np.maximum(z, 0.0)
    if rng.random() < 0.5:
        return rd.PLRNN(A, W, np.zeros(m))
    h = int(rng.integers(1, 4))
    return rd.ShallowPLRNN(A, quarters(rng, m, h), quarters(rng, h, m), np.zeros(m), np.zeros(h))


@pytest.mark.parametrize("method", ["auto", "dictionary"])
def test_all_rays_are_found_and_confirmed(method):
    n_continua = n_proved = 0
    for seed in range(drawn(60, 1000)):
        rng = np.random.default_rng([seed, 3])
        model = random_network(rng, seed % 2 == 0)
        box = None if seed % 3 else 2.0
        certificate = proved(model, [1, 2], proof_method=method, box=box).certificate
        if certificate.status != "proved":
            continue
        n_proved += 1
        truths = truths_of(model, [1, 2])
        n_continua += sum(len(truth.continua) for truth in truths.values())
        assert missing(certificate, model, truths) == [], seed
        assert false_cycles(certificate, truths) == [], seed
        verdict = certificate.verify(model)
        assert verdict.confirmed, (seed, verdict.reasons)
    assert n_proved > drawn(45, 750)
    assert n_continua > 5


@pytest.mark.parametrize(("n_states", "orders"), [(20, [1]), (12, [1, 2])])
def test_many_units_take_few_nodes(n_states, orders):
    rng = np.random.default_rng(20)
    W = 1.2 * rng.normal(size=(n_states, n_states)) / np.sqrt(n_states)
    model = rd.PLRNN(rng.uniform(-0.9, 0.9, n_states), W, np.zeros(n_states))
    for box in (None, 3.0):
        found = rd.find_cycles(
            model, orders=orders, method="complete", box=box, keep_tree=True, time_limit=20.0
        )
        certificate = found.certificate
        assert certificate.status == "proved"
        # There are two to the power of n_states itineraries that lead to the origin.
        assert sum(part.n_nodes for part in certificate.parts) < 4000
        assert not certificate.undecided
        assert len(found) == 1
        assert np.abs(found[0].points).max() == 0.0
        verdict = certificate.verify(model)
        assert verdict.confirmed, verdict.reasons


def test_a_line_that_reaches_into_a_box_is_listed():
    """Fixed points (s, -2 s), s > 0, of which the one that is shown is outside the box."""
    model = rd.PLRNN([0.25, -1.25], [[0.75, 0.25], [-4.5, 1.25]], [0.0, 0.0])
    everywhere = proved(model, [1])
    (line,) = everywhere.continua
    reach = np.abs(line.points).max()
    for box in (2.0 * reach, 0.75 * reach, 0.01 * reach):
        found = proved(model, [1], box=box)
        assert len(found.continua) == 1
        assert found.certificate.status == "proved"
        verdict = found.certificate.verify(model)
        assert verdict.confirmed, verdict.reasons
    away = proved(model, [1], box=([-2.0, 1.0], [2.0, 2.0]))
    assert not away.continua
    assert away.certificate.verify(model).confirmed


def test_what_is_beyond_a_radius_is_not_enough_with_offsets():
    rng = np.random.default_rng(1)
    model = rd.PLRNN(rng.uniform(-0.9, 0.9, 3), rng.normal(size=(3, 3)), [0.0, 0.0, 0.0])
    certificate = proved(model, [1], proof_method="dictionary").certificate
    assert certificate.verify(model).confirmed
    assert all(part.at_infinity for part in certificate.parts)
    other = rd.PLRNN(model.A, model.W, [0.0, 0.0, 0.5])
    theirs = proved(other, [1], proof_method="dictionary").certificate
    far = tuple(part for part in theirs.parts if part.at_infinity)
    assert len(far) < len(theirs.parts)
    verdict = dataclasses.replace(theirs, parts=far).verify(other)
    assert not verdict.confirmed
    # The origin must be listed.
    none = dataclasses.replace(certificate, cycles=(), continua=())
    assert not none.verify(model).confirmed
