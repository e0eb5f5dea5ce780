"""The low-rank RNN: its equation, and all its fixed points against listing."""

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from model_cases import ARGUMENTS, assert_is_the_map, draws
from rnndyn.cycles._boxes import regions_of_fixed_points
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


@pytest.mark.parametrize("part", range(4))
def test_fixed_points_are_those_of_listing_every_region(part):
    """Of 200 networks: the boxes, without the threshold that leaves small networks to the core."""
    counts = []
    for number in range(part, drawn(200, 2000), 4):
        rng = np.random.default_rng([7, number])
        rank = int(rng.integers(1, 4))
        model = random_network(rng, rank, int(rng.integers(rank, 13)), 4.0 * 3.0 ** rng.normal())
        listed = rd.find_fixed_points(model, method="exhaustive")
        assert not listed.continua
        found = regions_of_fixed_points(model.canonical, None, None, lambda share: True)
        if any(point.on_border for point in listed):
            assert found is None
            continue
        assert found is not None
        assert all(point.certified for point in listed)
        real = [bits for bits in found.bits if not virtual(model, bits)]
        assert {bits.tobytes() for bits in real} == {p.itinerary.tobytes() for p in listed}
        # In a box, those in it.
        inside = regions_of_fixed_points(
            model.canonical, np.full(rank, -1.0), np.full(rank, 1.5), lambda share: True
        )
        assert inside is not None
        within = {
            p.itinerary.tobytes()
            for p in listed
            if (p.points[0] > -1.0).all() and (p.points[0] < 1.5).all()
        }
        assert within <= {bits.tobytes() for bits in inside.bits}
        counts.append(len(listed))
    assert max(counts) >= 3
    assert min(counts) == 0


def virtual(model, bits):
    solved = rd.solve_cycle(model, bits)
    return solved is None or solved.virtual


@pytest.mark.parametrize(("rank", "n_units"), [(1, 200), (2, 60), (2, 150), (3, 60), (3, 90)])
def test_large_networks_against_the_methods_of_the_core(rank, n_units):
    for seed in range(3):
        rng = np.random.default_rng([rank, n_units, seed])
        model = random_network(rng, rank, n_units, 3.0 * np.sqrt(n_units))
        ours = rd.find_fixed_points(model, method="complete")
        assert ours.search.orders[0].n_boxes
        assert ours.certificate.status == "proved"
        assert ours.certificate.parts[0].method == "homogeneous_boxes"
        theirs = rd.find_fixed_points(model, method="complete", keep_tree=True)
        assert theirs.certificate.parts[0].method != "homogeneous_boxes"
        assert [p.itinerary.tobytes() for p in ours] == [p.itinerary.tobytes() for p in theirs]
        assert ours == theirs
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
    assert both == rd.find_cycles(model, 2, method="complete", keep_tree=True)
    verdict = both.certificate.verify(model)
    assert not verdict.confirmed
    assert "does not check proofs by homogeneous boxes" in verdict.reasons[0]
    both.save(tmp_path / "both.npz")
    assert rd.CycleSet.load(tmp_path / "both.npz") == both


def test_what_boxes_cannot_decide_is_left_to_the_core():
    """A line of fixed points, and one on a border, are in no region of their own."""
    rng = np.random.default_rng(0)
    m, n = rng.normal(size=(40, 2)), np.zeros((2, 40))
    line = LowRankRNN(m, n, np.ones(40), [1.0, 0.5])
    assert regions_of_fixed_points(line.canonical, None, None, lambda share: True) is None
    found = rd.find_fixed_points(line, method="complete", time_limit=1.0)
    assert all(part.method != "homogeneous_boxes" for part in found.certificate.parts)
    border = LowRankRNN(m, 0.01 * rng.normal(size=(2, 40)), np.zeros(40), 0.5)
    assert regions_of_fixed_points(border.canonical, None, None, lambda share: True) is None


def test_a_search_that_proves_only_where_it_is_cheap_gives_up_early():
    model = random_network(np.random.default_rng(4), 4, 1000, 400.0)
    quick = rd.find_fixed_points(model, time_limit=20.0)
    assert not quick.search.orders[0].n_boxes
    assert rd.find_fixed_points(model, method="complete").search.orders[0].n_boxes > 2500


def test_a_time_limit_and_ctrl_c_are_kept(monkeypatch):
    model = random_network(np.random.default_rng(3), 3, 1000, 100.0)
    stopped = rd.find_fixed_points(model, method="complete", time_limit=1e-4)
    assert stopped.search.stopped_by == "time_limit"

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("rnndyn.cycles._few_states.regions_of_fixed_points", interrupted)
    assert rd.find_fixed_points(model, method="complete").search.stopped_by == "interrupt"
