"""Proofs that an order has the fixed point and nothing else: true, confirmed, else refused."""

import dataclasses

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from rnndyn.cycles.search import search
from rnndyn.verify import fingerprint
from rnndyn.verify._linear import is_positive_definite, is_surely_positive_definite


def proved(model, orders, **options):
    given = {"max_restarts": None, "max_iterations": None, "box": None, "n_threads": 1}
    given |= {"time_limit": 20.0, "progress": False, "rigorous": True, "keep_tree": True}
    given |= {"resume": None, "seed": 0, "proof_method": "p_matrix"}
    return search(model, None, orders, method="complete", **(given | options))


def random_plrnn(rng, m, gain):
    A = rng.uniform(-0.8, 0.8, m)
    return rd.PLRNN(A, gain * rng.normal(size=(m, m)) / np.sqrt(m), rng.normal(size=m))


def random_shallow(rng, m, h, gain):
    W1, W2 = rng.normal(size=(m, h)) / np.sqrt(h), rng.normal(size=(h, m)) / np.sqrt(m)
    return rd.ShallowPLRNN(
        rng.uniform(-0.8, 0.8, m), gain * W1, W2, rng.normal(size=m), rng.normal(size=h)
    )


def jacobians(model):
    """Of all regions, and of the patterns of units that no state has."""
    c = model.canonical
    for pattern in range(2**c.n_units):
        bits = np.array([pattern >> i & 1 for i in range(c.n_units)])
        yield c.A + c.W1 @ (bits[:, None] * c.W2)


@pytest.mark.parametrize("kind", ["plrnn", "shallow", "tied", "border"])
def test_what_is_proved_is_what_listing_finds(kind):
    n_proved = n_refused = 0
    for seed in range(drawn(40, 1000)):
        rng = np.random.default_rng([seed, len(kind)])
        m = int(rng.integers(1, 5))
        gain = rng.uniform(0.2, 2.5)
        if kind == "plrnn":
            model = random_plrnn(rng, m, gain)
        elif kind == "border":
            # The fixed point is the origin, on the borders of all regions or some.
            model = random_plrnn(rng, m, gain)
            h = np.where(rng.random(m) < 0.5, 0.0, -1.0)
            model = rd.PLRNN(model.A, model.W, h if seed % 2 else np.zeros(m))
        else:
            model = random_shallow(rng, m, int(rng.integers(1, 5)), gain)
            if kind == "tied":
                model = rd.ShallowPLRNN(
                    model.A,
                    np.hstack([model.W1, model.W1]) / 2.0,
                    np.vstack([model.W2, model.W2]),
                    model.h1,
                    np.concatenate([model.h2, model.h2]),
                )
        found = proved(model, [1, 2, 3])
        orders = found.certificate.proved_orders
        # Order 1 comes first, and its condition is part of that of the others.
        assert orders in ((), (1,), (1, 2), (1, 3), (1, 2, 3))
        signs = [np.sign(np.linalg.det(np.eye(m) - J)) for J in jacobians(model)]
        if 1 not in orders:
            n_refused += 1
            continue
        n_proved += 1
        # A P-matrix: all regions have the same sign.
        assert set(signs) == {1.0}
        listed = rd.find_cycles(model, orders=orders, method="exhaustive")
        assert not listed.continua
        assert len(listed) == 1
        assert sum(len(found.of_order(k)) for k in orders) == 1
        point = found.of_order(1)[0].points
        np.testing.assert_allclose(point, listed[0].points, atol=1e-9)
        verdict = found.certificate.verify(model)
        assert verdict.confirmed, (seed, verdict.reasons)
    assert n_proved > 10
    assert n_refused > 3


def test_some_of_what_is_proved_does_not_contract():
    n = 0
    for seed in range(20):
        model = random_plrnn(np.random.default_rng([seed, 7]), 12, 0.7)
        if proved(model, [1, 2], proof_method="contraction").certificate.status == "proved":
            continue
        found = proved(model, [1])
        n += found.certificate.status == "proved"
    assert n >= 3


@pytest.mark.parametrize("n_states", [60, 120])
def test_a_large_network_that_does_not_contract_takes_a_moment(n_states):
    rng = np.random.default_rng([0, n_states])
    A = rng.uniform(-0.5, 0.5, n_states)
    W = 0.65 * rng.normal(size=(n_states, n_states)) / np.sqrt(n_states)
    model = rd.PLRNN(A, W, rng.normal(size=n_states))
    found = rd.find_cycles(model, orders=[1], method="complete", time_limit=20.0, n_threads=1)
    assert found.certificate.status == "proved"
    assert {part.method for part in found.certificate.parts} == {"p_matrix"}
    assert len(found) == 1
    if n_states <= 60:
        assert proved(model, [1]).certificate.verify(model).confirmed


@pytest.mark.parametrize("exponent", [-490, -40, 40, 490])
def test_scales_do_not_matter(exponent):
    rng = np.random.default_rng(3)
    model = random_plrnn(rng, 6, 0.3)
    scaled = rd.PLRNN(model.A, model.W, model.h * 2.0**exponent)
    found = proved(scaled, [1, 2])
    assert found.certificate.status == "proved"
    assert found.certificate.verify(scaled).confirmed
    np.testing.assert_allclose(
        found[0].points * 2.0**-exponent, proved(model, [1])[0].points, rtol=1e-12
    )


def test_weights_of_very_different_sizes():
    rng = np.random.default_rng(4)
    model = random_plrnn(rng, 6, 0.3)
    size = 2.0 ** rng.integers(-8, 8, 6)
    scaled = rd.PLRNN(model.A, size[:, None] * model.W / size, model.h * size)
    found = proved(scaled, [1])
    assert found.certificate.status == "proved"
    assert found.certificate.verify(scaled).confirmed


def test_records_are_refused_after_a_change():
    model = random_plrnn(np.random.default_rng(0), 5, 0.3)
    certificate = proved(model, [1, 2]).certificate
    assert certificate.verify(model).confirmed

    def refused(number, **changes):
        parts = list(certificate.parts)
        parts[number] = dataclasses.replace(parts[number], **changes)
        return not dataclasses.replace(certificate, parts=tuple(parts)).verify(model).confirmed

    for number, part in enumerate(certificate.parts):
        weights = part.data["Lambda"]
        assert refused(number, data={})
        assert refused(number, data={"Lambda": weights[:-1]})
        assert refused(number, data={"P": weights})
        assert refused(number, data={"Lambda": -weights})
        assert refused(number, data={"Lambda": np.append(weights[:-1], 0.0)})
        assert refused(number, data={"Lambda": np.append(weights[:-1], np.inf)})
        assert refused(number, data={"Lambda": weights * np.array([1e9, 1, 1, 1, 1])})
        assert refused(number, method="contraction")
        assert refused(number, orders=(3,))
    other = rd.PLRNN(model.A, 4.0 * model.W, model.h)
    c = other.canonical
    moved = dataclasses.replace(
        certificate,
        fingerprint=fingerprint(
            *(getattr(c, name).tolist() for name in ("A", "W1", "W2", "h1", "h2"))
        ),
    )
    assert not moved.verify(other).confirmed
    none = dataclasses.replace(certificate, cycles=())
    assert "neither listed nor undecided" in none.verify(model).reasons[0]


def test_the_fixed_point_may_lie_outside_the_box():
    model = random_plrnn(np.random.default_rng(0), 5, 0.3)
    point = proved(model, [1])[0].points[0]
    found = proved(model, [1, 2], box=(point + 1.0, point + 2.0))
    assert found.certificate.status == "proved"
    assert len(found) == 0
    assert found.certificate.verify(model).confirmed


def test_positive_definite_by_an_approximate_factor():
    rng = np.random.default_rng(0)
    n_yes = n_no = 0
    for _ in range(200):
        n = int(rng.integers(1, 7))
        basis = rng.integers(-9, 10, (n, n)).astype(object)
        matrix = basis @ basis.T + int(rng.integers(-40, 40)) * np.eye(n, dtype=object)
        size = np.array([1 << int(e) for e in rng.integers(0, 200, n)], dtype=object)
        matrix = (size[:, None] * matrix * size).tolist()
        exact = is_positive_definite([list(row) for row in matrix])
        sure = is_surely_positive_definite(matrix)
        assert exact or not sure
        n_yes += sure
        n_no += not exact
        if exact and not sure:
            # Nearly singular.
            lowest = np.linalg.eigvalsh(np.array(basis @ basis.T, dtype=float))[0]
            assert n > 1 or lowest < 1.0
    assert n_yes > 40
    assert n_no > 40
