"""A time limit and Ctrl-C are heard within the equation of one itinerary, however large it is."""

import numpy as np
import pytest

import rnndyn as rd
from clock import allowed, overrun, used_after_interrupt
from rnndyn import _core


def dense(m):
    rng = np.random.default_rng(0)
    return rd.PLRNN(np.full(m, 0.5), rng.normal(size=(m, m)) * 2 / np.sqrt(m), rng.normal(size=m))


def no_decay(m):
    """A = I, as the latent units of a piecewise linear network for long memories have it."""
    rng = np.random.default_rng(1)
    return rd.PLRNN(np.eye(m), rng.normal(size=(m, m)) * 0.3 / np.sqrt(m), rng.normal(size=m))


def lines_of_fixed_points(m):
    """A = I and W of rank one: whatever the regions, all but one direction stays where it is."""
    rng = np.random.default_rng(1)
    W = np.outer(rng.normal(size=m), rng.normal(size=m)) / m
    return rd.PLRNN(np.eye(m), W, np.zeros(m))


def homogeneous(m):
    """No bias: the origin is on the border of all regions."""
    rng = np.random.default_rng(0)
    W = rng.normal(size=(m, m)) / np.sqrt(m) * 1.5
    return rd.PLRNN(rng.uniform(-1, 1, m), W, np.zeros(m))


#: Each took seconds to minutes within one elimination, decomposition or exact solution.
LARGE = [
    pytest.param(dense(200), 200, id="dense-m200-k200"),
    pytest.param(dense(50), 500, id="dense-m50-k500"),
    pytest.param(no_decay(200), 50, id="no-decay-m200-k50"),
    pytest.param(lines_of_fixed_points(50), 20, id="lines-m50-k20"),
    pytest.param(lines_of_fixed_points(200), 5, id="lines-m200-k5"),
    pytest.param(homogeneous(200), 10, id="homogeneous-m200-k10"),
]


@pytest.mark.parametrize("method", ["search", "scyfi", "auto"])
@pytest.mark.parametrize(("model", "order"), LARGE)
def test_a_time_limit_is_kept(model, order, method):
    for limit in (0.05, 0.3):
        used, cycles = overrun(
            lambda limit=limit: rd.find_cycles(
                model, orders=[order], method=method, time_limit=limit, n_threads=1, progress=False
            ),
            limit,
        )
        assert used < allowed(limit)
        assert cycles.search.stopped_by == "time_limit"
        assert not cycles.finished


@pytest.mark.parametrize("method", ["search", "scyfi"])
@pytest.mark.parametrize(("model", "order"), LARGE)
def test_an_interrupt_is_heard(model, order, method):
    used, cycles = used_after_interrupt(
        lambda: rd.find_cycles(
            model,
            orders=[order],
            method=method,
            max_restarts=10**9,
            time_limit=60,
            n_threads=1,
            progress=False,
        ),
        0.3,
    )
    assert used < allowed()
    assert cycles.search.stopped_by == "interrupt"


def test_a_proof_with_a_long_list_is_interrupted():
    used, cycles = used_after_interrupt(
        lambda: rd.find_cycles(
            rd.examples.tent_map(), orders=[30], method="complete", n_threads=1, progress=False
        ),
        # Later it would hold more cycles than can be handed over within the promise.
        0.25,
    )
    assert used < allowed()
    assert cycles.certificate.status == "partial"
    assert len(cycles) > 0


def test_lines_of_fixed_points_do_not_make_a_proof_late():
    used, cycles = overrun(
        lambda: rd.find_cycles(
            lines_of_fixed_points(50),
            orders=[20],
            method="complete",
            time_limit=1.0,
            n_threads=1,
            progress=False,
        ),
        1.0,
    )
    assert used < allowed(1.0)
    assert cycles.certificate.status == "partial"


def test_error_bounds_do_not_depend_on_the_pieces_of_the_inverse():
    """Of 30 states and some 70 segments the inverse is larger than what is held at a time."""
    rng = np.random.default_rng(4)
    m, order = 30, 150
    W = rng.normal(size=(m, m)) * 14.0 / np.sqrt(m)
    model = rd.PLRNN(np.full(m, 0.5), W, rng.normal(size=m))
    itinerary = rng.random((order, m)) < 0.5
    found = _core.solve_cycle(model.canonical, itinerary)
    assert found["kind"] == "virtual"
    # As with all of it in memory.
    assert found["error_bound"] == pytest.approx(6.694924873e-07, rel=1e-6)
    # The smallest rotation is another one than that which was asked for.
    z = found["points"]
    residuals = []
    for shift in range(order):
        image = model.A * z + (z * np.roll(itinerary, -shift, axis=0)) @ model.W.T + model.h
        residuals.append(np.abs(image - np.roll(z, -1, axis=0)).max())
    assert min(residuals) < 1e-14 * np.abs(z).max()


def test_a_scan_stops_within_an_exponent():
    model = rd.examples.lozi_map()
    used, result = overrun(
        lambda: rd.scan(
            model,
            ("h1[0]", np.linspace(0.9, 1.0, 3)),
            n_steps=10**8,
            time_limit=0.3,
            n_threads=1,
            progress=False,
        ),
        0.3,
    )
    assert used < allowed(0.3)
    assert result.run.stopped_by == "time_limit"
    assert result.run.n_points_done == 0
