"""The low-rank RNN: its equation, and all its fixed points against listing."""

import dataclasses

import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import CtrlC
from draws import drawn
from model_cases import ARGUMENTS, assert_is_the_map, draws
from rnndyn.cycles.search import search
from rnndyn.models import LowRankRNN


def currents(v, z):
    return v["m"] @ z + (v["C"] @ v["s"] if "C" in v else 0.0)


def hidden(v, z):
    x = currents(v, z)
    return np.concatenate([x + v["h"], x]) if v["clipped"] else x - v["h"]


def equation(v, z):
    x = currents(v, z)
    if v["clipped"]:
        rates = np.maximum(x + v["h"], 0.0) - np.maximum(x, 0.0)
    else:
        rates = np.maximum(x - v["h"], 0.0)
    return v["A"] * z + v["n"] @ rates


def test_canonical_form_is_the_equation():
    for draw in draws():
        v = ARGUMENTS["LowRankRNN"](draw)
        assert_is_the_map(LowRankRNN(**v), v, equation, hidden, draw.rng)


def test_the_units_are_those_of_a_network_whose_weights_have_low_rank():
    rng = np.random.default_rng(0)
    m, n, h = rng.normal(size=(20, 2)), rng.normal(size=(2, 20)), rng.normal(size=20)
    C, s = rng.normal(size=(20, 3)), rng.normal(size=3)
    model = LowRankRNN(m, n, h, 0.5, C=C, s=s)
    z = rng.normal(size=2)
    x = model.units(z)
    # The network of N units, without its input: x' = A x + m n relu(x - h).
    expected = 0.5 * (x - C @ s) + m @ n @ np.maximum(x - h, 0.0) + C @ s
    np.testing.assert_allclose(model.units(model.step(z)), expected, rtol=0, atol=1e-12)
    driven = rd.lyapunov_spectrum(model, np.tile(s, (200, 1)), z0=z, transient=0)
    np.testing.assert_allclose(
        driven.exponents, rd.lyapunov_spectrum(model, z0=z, n_steps=200, transient=0).exponents
    )


def random_network(rng, rank, n_units, gain):
    return LowRankRNN(
        m=rng.normal(size=(n_units, rank)),
        n=gain * rng.normal(size=(rank, n_units)) / n_units,
        h=rng.normal(size=n_units),
        A=rng.uniform(-0.5, 1.1, size=rank),
        clipped=bool(rng.integers(2)) if n_units <= 6 else False,
    )


def by_boxes(model, **options):
    """All fixed points by boxes, without the threshold that leaves small networks to others."""
    given = {"max_restarts": None, "max_iterations": None, "box": None, "n_threads": 1}
    given |= {"time_limit": None, "progress": False, "rigorous": True, "keep_tree": True}
    given |= {"resume": None, "seed": 0, "proof_method": "homogeneous_boxes"}
    return search(model, None, [1], method="complete", **(given | options))


@pytest.mark.parametrize("part", range(4))
def test_fixed_points_are_those_of_listing_every_region(part):
    """Of 200 networks, with their records."""
    counts = []
    for number in range(part, drawn(200, 2000), 4):
        rng = np.random.default_rng([7, number])
        rank = int(rng.integers(1, 4))
        model = random_network(rng, rank, int(rng.integers(rank, 13)), 4.0 * 3.0 ** rng.normal())
        listed = rd.find_fixed_points(model, method="exhaustive")
        assert not listed.continua
        found = by_boxes(model)
        assert [part.method for part in found.certificate.parts] == ["homogeneous_boxes"]
        if any(point.on_border for point in listed):
            continue
        assert found.certificate.status == "proved"
        assert not found.certificate.undecided
        assert {p.itinerary.tobytes() for p in found} == {p.itinerary.tobytes() for p in listed}
        if number < 40:
            verdict = found.certificate.verify(model)
            assert verdict.confirmed, verdict.reasons
        counts.append(len(listed))
    assert max(counts) >= 3
    assert min(counts) == 0


@pytest.mark.parametrize(("rank", "n_units"), [(1, 200), (2, 60), (2, 150), (3, 60), (3, 90)])
def test_large_networks_against_the_methods_of_the_core(rank, n_units):
    for seed in range(3):
        rng = np.random.default_rng([rank, n_units, seed])
        model = random_network(rng, rank, n_units, 3.0 * np.sqrt(n_units))
        ours = rd.find_fixed_points(model, method="complete")
        assert ours.search.orders[0].n_boxes
        assert ours.certificate.status == "proved"
        assert ours.certificate.parts[0].method == "homogeneous_boxes"
        theirs = by_boxes(model, proof_method="polygons" if rank < 3 else "dictionary")
        assert theirs.certificate.status == "proved"
        assert [p.itinerary.tobytes() for p in ours] == [p.itinerary.tobytes() for p in theirs]
        assert ours == theirs
        assert ours == rd.find_fixed_points(model, method="complete", n_threads=3)
        boxed = rd.find_fixed_points(model, method="complete", box=1.0)
        assert boxed.certificate.box is not None
        assert len(boxed) == sum(np.abs(p.points).max() < 1.0 for p in theirs)


def test_a_thousand_units_take_few_boxes():
    for rank in (1, 2, 3):
        model = random_network(np.random.default_rng(rank), rank, 1000, 60.0)
        found = rd.find_fixed_points(model, n_threads=1)
        assert found.search.complete
        assert found.search.orders[0].n_boxes < 5000


def test_other_orders_are_left_to_the_core(tmp_path):
    model = random_network(np.random.default_rng(3), 2, 40, 20.0)
    both = rd.find_cycles(model, 2, method="complete")
    assert both.certificate.proved_orders == (1, 2)
    assert both.search.orders[0].n_boxes
    assert not both.search.orders[1].n_boxes
    kept = rd.find_cycles(model, 2, method="complete", keep_tree=True)
    assert both == kept
    verdict = kept.certificate.verify(model)
    assert verdict.confirmed, verdict.reasons
    both.save(tmp_path / "both.npz")
    assert rd.CycleSet.load(tmp_path / "both.npz") == both


def test_what_boxes_cannot_decide_is_left_to_other_methods():
    """A fixed point on forty borders is in no region of its own."""
    rng = np.random.default_rng(0)
    m = rng.normal(size=(40, 2))
    border = LowRankRNN(m, 0.01 * rng.normal(size=(2, 40)), np.zeros(40), 0.5)
    certificate = by_boxes(border).certificate
    assert certificate.status == "searched"
    assert "borders of too many regions" in certificate.parts[0].reason


def test_a_line_of_fixed_points_is_listed():
    rng = np.random.default_rng(0)
    m, n = rng.normal(size=(40, 2)), np.zeros((2, 40))
    n[1] = rng.normal(size=40)
    line = LowRankRNN(m, n, np.ones(40), [1.0, 0.5])
    found = by_boxes(line)
    assert found.continua
    if found.certificate.status == "proved":
        assert found.certificate.verify(line).confirmed


def test_a_point_on_a_border_is_listed():
    """The first unit is zero exactly at a fixed point, which two itineraries lead to."""
    rng = np.random.default_rng(1)
    m = np.round(8.0 * rng.normal(size=(40, 2))) / 8.0
    n = np.round(64.0 * rng.normal(size=(2, 40)) / 40.0) / 64.0
    h = np.round(8.0 * rng.normal(size=40)) / 8.0
    # z = A z + n relu(m z - h) at z = 0: the rates of the units with h < 0 must cancel.
    off = h < 0.0
    n[0, np.flatnonzero(off)[0]] += -(n[0, off] @ -h[off]) / -h[off][0]
    n[1, np.flatnonzero(off)[0]] += -(n[1, off] @ -h[off]) / -h[off][0]
    h[np.flatnonzero(~off)[0]] = 0.0
    model = LowRankRNN(m, n, h, 0.5)
    assert np.abs(model.step(np.zeros(2))).max() == 0.0
    found = rd.find_fixed_points(model, method="complete", keep_tree=True)
    assert found.certificate.parts[0].method == "homogeneous_boxes"
    at_zero = [p for p in found if np.abs(p.points).max() == 0.0]
    assert len(at_zero) == 1
    assert at_zero[0].on_border
    assert found.certificate.status == "proved"
    verdict = found.certificate.verify(model)
    assert verdict.confirmed, verdict.reasons


@pytest.mark.parametrize("exponent", [-480, -20, 20, 480])
def test_any_scale_of_states_gives_the_same_boxes(exponent):
    model = random_network(np.random.default_rng(5), 2, 40, 20.0)
    c = model.canonical
    size = 2.0**exponent
    plain = rd.ShallowPLRNN(c.A, c.W1, c.W2, c.h1, c.h2)
    scaled = rd.ShallowPLRNN(c.A, c.W1, c.W2, size * c.h1, size * c.h2)
    ours, theirs = (rd.find_fixed_points(m, method="complete") for m in (plain, scaled))
    assert ours.search.orders[0].n_boxes == theirs.search.orders[0].n_boxes > 0
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.itinerary, b.itinerary)


def test_records_are_refused_after_a_change():
    model = random_network(np.random.default_rng(3), 2, 40, 20.0)
    certificate = by_boxes(model).certificate
    assert certificate.verify(model).confirmed
    part = certificate.parts[0]

    def refused(**changes):
        changed = dataclasses.replace(part, **changes)
        verdict = dataclasses.replace(certificate, parts=(changed,)).verify(model)
        return not verdict.confirmed

    assert refused(radius=1.5 * part.radius)
    assert refused(radius=2.0**80 * part.radius)
    assert refused(unbounded=False)
    assert refused(at_infinity=True)
    assert refused(orders=(1, 2))
    assert refused(method="boxes")
    assert refused(nodes=None)
    assert refused(nodes=part.nodes[:-1])
    assert refused(nodes=np.append(part.nodes, np.int32(-2)))
    assert refused(value=-part.value)
    assert refused(value=0.0 * part.value)
    for entry in (-4, -5, -3, 7):
        nodes = part.nodes.copy()
        nodes[np.flatnonzero(nodes >= 0)[0]] = entry
        assert refused(nodes=nodes)
    fewer = dataclasses.replace(
        certificate.cycles[0],
        **{
            name: getattr(certificate.cycles[0], name)[1:]
            for name in ("itinerary", "points", "error_bound", "certified", "on_border")
        },
    )
    assert len(certificate.cycles[0]) > 0
    assert not dataclasses.replace(certificate, cycles=(fewer,)).verify(model).confirmed


def test_threads_and_interruptions_do_not_matter():
    model = random_network(np.random.default_rng(3), 3, 200, 100.0)
    whole = by_boxes(model)
    threaded = by_boxes(model, n_threads=4)
    assert threaded.certificate == whole.certificate
    pieces = by_boxes(model, time_limit=1e-4)
    assert pieces.certificate.status == "partial"
    for _ in range(400):
        if pieces.certificate.status == "proved":
            break
        pieces = by_boxes(model, time_limit=0.01, resume=pieces)
    assert pieces == whole
    assert pieces.certificate.verify(model).confirmed


def test_a_search_that_proves_only_where_it_is_cheap_gives_up_early():
    model = random_network(np.random.default_rng(4), 4, 1000, 400.0)
    quick = rd.find_fixed_points(model, time_limit=20.0)
    assert not quick.search.orders[0].n_boxes
    assert rd.find_fixed_points(model, method="complete").search.orders[0].n_boxes > 2500


def test_a_time_limit_and_ctrl_c_are_kept():
    model = random_network(np.random.default_rng(3), 3, 1000, 100.0)
    stopped = rd.find_fixed_points(model, method="complete", time_limit=1e-4)
    assert stopped.search.stopped_by == "time_limit"

    slow = random_network(np.random.default_rng(4), 4, 1000, 400.0)
    found = rd.find_fixed_points(slow, method="complete", progress=CtrlC(), n_threads=1)
    assert found.search.stopped_by == "interrupt"
    assert found.certificate.status == "partial"
