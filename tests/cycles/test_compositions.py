"""Cycles of compositions of maps, under periodic input and with several layers in a step, against
solving for every itinerary with each family's own equation."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from rnndyn.cli import main
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._composition import applied, bounds_after, cyclic_chain


class Case(NamedTuple):
    """A random network: what to search, and its own equation, piece by piece."""

    search: Callable[..., rd.CycleSet]
    pieces: Callable[[int, Any], tuple[Any, Any, Any]]  # of step t in regions (N, H)
    step: Callable[[int, Any], Any]  # of step t from states (N, M)
    period: int
    n_states: int
    n_units: int


def times(matrix: Any, bits: Any) -> Any:
    """``matrix @ diag(bits)`` for regions (N, H)."""
    return matrix[None] * bits[:, None, :]


def periodic_plrnn(rng: np.random.Generator) -> Case:
    m, period = int(rng.integers(1, 3)), int(rng.integers(2, 4))
    A, W, h = rng.uniform(-0.9, 0.9, m), rng.normal(size=(m, m)) * 1.3, rng.normal(size=m)
    C, U = rng.normal(size=(m, 2)), rng.normal(size=(period, 2))
    model = rd.PLRNN(A, W, h, C=C, s=[9.0, 9.0])

    def pieces(t: int, bits: Any) -> Any:
        J = np.diag(A)[None] + times(W, bits)
        c = np.broadcast_to(h + C @ U[t % period], (len(bits), m))
        return J, c, lambda z: z

    def step(t: int, z: Any) -> Any:
        return z * A + np.maximum(z, 0) @ W.T + h + C @ U[t % period]

    def search(**options: Any) -> Any:
        return rd.find_cycles(model, inputs=U, periodic=True, progress=False, **options)

    return Case(search, pieces, step, period, m, m)


def periodic_relu(rng: np.random.Generator) -> Case:
    m, period = 2, int(rng.integers(2, 4))
    W, b = rng.normal(size=(m, m)) * 1.3, rng.normal(size=m)
    C, U = rng.normal(size=(m, 1)), rng.normal(size=(period, 1))
    model = rd.RNN(C, W, b, nonlinearity="relu")

    def pieces(t: int, bits: Any) -> Any:
        J = bits[:, :, None] * W[None]
        c = bits * (b + C @ U[t % period])
        return J, c, lambda z: z @ W.T + b + C @ U[t % period]

    def step(t: int, z: Any) -> Any:
        return np.maximum(z @ W.T + b + C @ U[t % period], 0)

    def search(**options: Any) -> Any:
        return rd.find_cycles(model, inputs=U, periodic=True, progress=False, **options)

    return Case(search, pieces, step, period, m, m)


def deep(rng: np.random.Generator) -> Case:
    m, n1, n2 = int(rng.integers(1, 3)), 2, int(rng.integers(1, 3))
    A = rng.uniform(-0.9, 0.9, m)
    W1, W2, W3 = rng.normal(size=(n1, m)), rng.normal(size=(n2, n1)), rng.normal(size=(m, n2))
    W3 *= 2.0
    b1, b2, b3 = rng.normal(size=n1), rng.normal(size=n2), rng.normal(size=m)
    model = rd.DeepPLRNN(A, [W1, W2, W3], [b1, b2, b3])

    def pieces(t: int, bits: Any) -> Any:
        d1, d2 = bits[:, :n1], bits[:, n1:]
        inner = times(W2, d1) @ W1
        J = np.diag(A)[None] + times(W3, d2) @ inner
        hidden = (d1 * b1) @ W2.T + b2
        c = (d2 * hidden) @ W3.T + b3

        def preactivation(z: Any) -> Any:
            first = z @ W1.T + b1
            return np.concatenate([first, (d1 * first) @ W2.T + b2], axis=1)

        return J, c, preactivation

    def step(t: int, z: Any) -> Any:
        units = np.maximum(np.maximum(z @ W1.T + b1, 0) @ W2.T + b2, 0)
        return z * A + units @ W3.T + b3

    def search(**options: Any) -> Any:
        return rd.find_cycles(model, progress=False, **options)

    return Case(search, pieces, step, 1, m, n1 + n2)


def listed(case: Case, n_rounds: int) -> list[Any]:
    """All cycles of so many rounds: points (n, M) with the smallest rotation first."""
    n = n_rounds * case.period
    codes = np.arange(2 ** (case.n_units * n))[:, None]
    bits = (codes >> np.arange(case.n_units * n)) & 1
    regions = bits.reshape(-1, n, case.n_units).astype(float)
    P = np.broadcast_to(np.eye(case.n_states), (len(codes), case.n_states, case.n_states))
    q = np.zeros((len(codes), case.n_states))
    for t in range(n):
        J, c, _ = case.pieces(t, regions[:, t])
        P, q = J @ P, (J @ q[..., None])[..., 0] + c
    z = np.linalg.solve(np.eye(case.n_states) - P, q[..., None])[..., 0]
    points, fits = [z], np.ones(len(codes), bool)
    for t in range(n):
        J, c, preactivation = case.pieces(t, regions[:, t])
        fits &= ((preactivation(z) > 0) == (regions[:, t] > 0)).all(axis=1)
        z = (J @ z[..., None])[..., 0] + c
        points.append(z)
    orbits = np.stack(points[:-1], axis=1)[fits]
    minimal = [
        orbit
        for orbit in orbits
        if all(
            np.abs(np.roll(orbit, -shift * case.period, axis=0) - orbit).max() > 1e-7
            for shift in range(1, n_rounds)
        )
    ]
    once: list[Any] = []
    for orbit in minimal:
        turned = [np.roll(orbit, -shift * case.period, axis=0) for shift in range(n_rounds)]
        if not any(np.abs(other - one).max() < 1e-7 for other in once for one in turned):
            once.append(orbit)
    return once


MAKERS = (periodic_plrnn, periodic_relu, deep)


def cases(maker: Any) -> list[Case]:
    return [maker(np.random.default_rng([7, seed])) for seed in range(drawn(12, 200))]


@pytest.mark.parametrize("maker", MAKERS)
def test_all_cycles_are_those_of_listing_every_itinerary(maker):
    n_found, n_longer = 0, 0
    for case in cases(maker):
        rounds = [k for k in (1, 2, 3) if 2 ** (case.n_units * case.period * k) <= 4096]
        found = case.search(max_order=rounds[-1] * case.period)
        assert found.complete, found
        for k in rounds:
            expected = listed(case, k)
            own = found.of_order(k * case.period)
            assert len(own) == len(expected)
            for orbit in expected:
                turned = [np.roll(orbit, -shift * case.period, axis=0) for shift in range(k)]
                distance = min(np.abs(c.points - one).max() for c in own for one in turned)
                assert distance < 1e-9 * (1.0 + np.abs(orbit).max())
            n_found += len(own)
            n_longer += len(own) if k > 1 else 0
    assert n_found > 8
    assert n_longer > 0


@pytest.mark.parametrize("maker", MAKERS)
def test_a_cycle_is_an_orbit_with_the_multipliers_of_its_jacobians(maker):
    n_seen = 0
    for case in cases(maker)[:8]:
        for cycle in case.search(max_order=2 * case.period):
            states = cycle.points
            product = np.eye(case.n_states)
            for t, state in enumerate(states):
                after = case.step(t, state[None])[0]
                following = states[(t + 1) % len(states)]
                np.testing.assert_allclose(after, following, rtol=0, atol=1e-9)
                J, _, preactivation = case.pieces(t, cycle.itinerary[t][None].astype(float))
                assert ((preactivation(state[None])[0] > 0) == cycle.itinerary[t]).all()
                product = J[0] @ product
            values = np.linalg.eigvals(product)
            radius = np.abs(values).max()
            assert cycle.spectral_radius == pytest.approx(radius, rel=1e-8, abs=1e-12)
            np.testing.assert_allclose(cycle.jacobian, product, rtol=1e-12, atol=1e-14)
            assert (cycle.stability == "stable") == (radius < 1.0)
            assert cycle.certified
            assert cycle.residual < 1e-12
            n_seen += 1
    assert n_seen > 4


def test_inputs_are_in_exports_and_derivatives():
    unit = rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[2.0]], s=[0.0])
    U = np.array([[1.0], [-1.0]])
    found = rd.find_cycles(unit, 2, inputs=U, periodic=True)
    assert found.to_dict()["inputs"] == U.tolist()
    assert "Period of the input: 2 steps" in repr(found)
    pytest.importorskip("xarray")
    assert found.to_xarray()["inputs"].dims == ("step", "input")
    cycle = found[0]
    state, step = cycle.points[0], 1e-3

    def after(change: float) -> Any:
        return rd.PeriodicallyDriven(unit, U + change).orbit(state, 2)[-1]

    quotient = (after(step) - after(-step)) / (2.0 * step)
    np.testing.assert_allclose(cycle.input_jacobian[:, 0], quotient, rtol=1e-9)


@pytest.mark.parametrize("maker", MAKERS)
def test_methods_agree(maker):
    for case in cases(maker)[:3]:
        order = case.period
        exact = case.search(orders=[order], method="exhaustive")
        proved = case.search(orders=[order], method="complete")
        searched = case.search(orders=[order], method="search", seed=1)
        assert proved.complete
        assert "Proved" in repr(proved)
        unsure = case.search(orders=[order], method="complete", rigorous=False)
        assert unsure.complete is ("Proved" in repr(unsure))
        if unsure.complete:
            # Some methods account for all rounding errors in any case.
            assert all(part.rigorous for part in unsure.certificate.parts)
        for other in (proved, searched):
            assert len(other) == len(exact)
            for one, two in zip(exact, other, strict=True):
                np.testing.assert_allclose(one.points, two.points, rtol=0, atol=1e-9)
        for n_threads in (1, 2):
            again = case.search(orders=[order], method="search", seed=1, n_threads=n_threads)
            assert again == searched


def test_a_box_keeps_the_cycles_that_are_in_it():
    n_inside = n_outside = 0
    for maker in MAKERS:
        for case in cases(maker)[:6]:
            everywhere = case.search(orders=[case.period])
            inside = case.search(orders=[case.period], box=2.0)
            kept = [c for c in everywhere if np.abs(c.points).max() <= 2.0]
            assert len(inside) == len(kept)
            n_inside, n_outside = n_inside + len(kept), n_outside + len(everywhere) - len(kept)
    assert n_inside
    assert n_outside


def test_a_longer_period_of_the_same_rows_is_the_shortest_one():
    unit = rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[1.0]], s=[0.0])
    once = rd.find_cycles(unit, 8, inputs=[[1.0], [-1.0]], periodic=True)
    twice = rd.find_cycles(unit, 8, inputs=[[1.0], [-1.0]] * 2, periodic=True)
    assert once == twice
    assert once.model.period == 2


def test_an_input_that_stays_the_same_is_a_constant_one():
    unit = rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[1.0]], s=[0.0])
    constant = rd.find_cycles(unit, 5, inputs=[0.7])
    periodic = rd.find_cycles(unit, 5, inputs=[[0.7]] * 3, periodic=True)
    assert [c.order for c in constant] == [c.order for c in periodic] == [1, 2, 4]
    for one, two in zip(constant, periodic, strict=True):
        np.testing.assert_allclose(one.points, two.points, atol=1e-12)
        assert (one.itinerary == two.itinerary).all()
        np.testing.assert_allclose(one.multipliers, two.multipliers, rtol=1e-12)


def test_a_stacked_network_of_torch_under_periodic_input():
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    module = torch.nn.RNN(2, 2, num_layers=2, nonlinearity="relu").double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.6)
    U = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.5]])
    network = rd.from_torch(module)
    found = rd.find_cycles(module, 3, inputs=U, periodic=True)
    assert found.stable, found
    for cycle in found:
        states = network.layers_in_step(cycle.points)
        h = torch.tensor(states[0].reshape(2, 1, 2))
        outputs, last = module(torch.tensor(U[:, None]), h)
        np.testing.assert_allclose(last.detach().numpy().ravel(), states[0], atol=1e-10)
        top = outputs.detach().numpy()[:, 0]
        np.testing.assert_allclose(top, np.roll(states, -1, axis=0)[:, 2:], atol=1e-10)


def test_states_under_periodic_input_are_those_at_its_beginning():
    rng = np.random.default_rng(2)
    m = 8
    A, W, h = rng.uniform(0.1, 0.9, m), rng.normal(size=(m, m)), rng.normal(size=m)
    model = rd.PLRNN(A, W, h, C=np.eye(m)[:, :1] * 0.1, s=[0.0])
    options: dict[str, Any] = {
        "orders": [2],
        "inputs": [[1.0], [-1.0]],
        "periodic": True,
        "method": "search",
    }
    everything = rd.find_cycles(model, **options)
    little = rd.find_cycles(model, **options, max_restarts=1, max_iterations=1)
    missed = [c for c in everything if not any(np.allclose(c.points, o.points) for o in little)]
    assert missed
    given = rd.find_cycles(
        model, **options, max_restarts=1, max_iterations=1, states=[c.points[0] for c in missed]
    )
    for cycle in missed:
        assert any(np.allclose(cycle.points, other.points) for other in given)
    assert given.search.options["n_states_given"] == len(missed)


def test_a_line_of_cycles_under_periodic_input():
    # One state keeps what it has while it is positive, and the input moves it up and down.
    keeper = rd.PLRNN(
        A=[[0.0, 0.0], [0.0, 0.5]], W=[[1.0, 0.0], [0.0, 0.0]], h=[0.0, 1.0],
        C=[[1.0], [0.0]], s=[0.0],
    )  # fmt: skip
    found = rd.find_cycles(keeper, 4, inputs=[[1.0], [-1.0]], periodic=True)
    line = next(one for one in found.continua if one.dimension == 1)
    assert [one.order for one in found.continua] == [2]
    assert line.contains([5.0, 2.0])
    assert not line.contains([-0.5, 2.0])
    first = line.endpoints()[0 if line.endpoints()[1] is None else 1]
    np.testing.assert_allclose(first, [0.0, 2.0], atol=1e-9)
    assert line.spectral_radius == pytest.approx(1.0)


def test_files_keep_the_network_and_its_inputs(tmp_path):
    unit = rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[1.0]], s=[0.0])
    driven = rd.find_cycles(unit, 4, inputs=[[1.0], [-1.0]], periodic=True)
    model = rd.DeepPLRNN([0.5], [[[1.0], [-1.0]], [[1.0, 1.0]], [[-2.0]]], [[0, 0], [-1], [1]])
    for found in (driven, rd.find_cycles(model, 3)):
        assert len(found)
        found.save(tmp_path / "cycles.npz")
        again = rd.load_result(tmp_path / "cycles.npz")
        assert again == found
        assert again.model == found.model
        assert again[0].jacobian == found[0].jacobian
        assert len(found.to_columns()["order"]) == len(found)
        assert "itinerary" in found.to_dict()["cycles"][0]
        rd.save_model(found.model, tmp_path / "model.npz")
        assert rd.load_model(tmp_path / "model.npz") == found.model
        with pytest.raises(TypeError, match=r"model must be one piecewise-linear map.*find_cycles"):
            rd.basins(found)


def test_what_is_drawn():
    pytest.importorskip("matplotlib").use("Agg")
    rng = np.random.default_rng(2)
    case = periodic_plrnn(rng)
    while case.n_states == 1:
        case = periodic_plrnn(rng)
    unit = rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[1.0]], s=[0.0])
    found = [
        case.search(max_order=2 * case.period),
        rd.find_cycles(unit, 4, inputs=[[1.0], [-1.0]], periodic=True),
        deep(rng).search(max_order=2),
    ]
    for cycles in found:
        assert rd.plot.state_space(cycles).has_data()
        if len(cycles):
            assert rd.plot.multipliers(cycles).has_data()


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({}, ValueError, r"periodic=True needs inputs of shape \(T, K\)"),
        ({"inputs": [1.0]}, ValueError, r"shape \(T, K\) with K = 1, got \(1,\): for a column"),
        ({"inputs": [[1.0, 2.0]]}, ValueError, r"of shape \(T, K\) with K = 1, got \(1, 2\)"),
        ({"inputs": [[[1.0]]]}, ValueError, r"of shape \(T, K\) with K = 1, got \(1, 1, 1\)"),
        ({"inputs": [[1.0], [0.0], [2.0]], "max_order": 2}, ValueError,
         "max_order must be at least the period 3 of inputs"),
        ({"inputs": [[1.0], [0.0]], "max_order": None, "orders": [2, 3]}, ValueError,
         "orders must be multiples of the period 2 of inputs, such as 2 and 4, got 3"),
        ({"inputs": [[1.0], [0.0]], "drive": [[1.0]]}, ValueError, "drive is for searches under"),
        ({"inputs": [[1.0], [0.0]], "periodic": 1}, TypeError, "periodic must be True or False"),
        ({"inputs": [[1.0], [0.0]], "method": "fast"}, ValueError, "method must be one of auto"),
        ({"inputs": [[1.0], [0.0]], "box": -1.0}, ValueError, "must be positive, got -1"),
    ],
)  # fmt: skip
def test_mistakes_with_periodic_input(options, kind, message):
    unit = rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[1.0]], s=[0.0])
    with pytest.raises(kind, match=message) as caught:
        rd.find_cycles(unit, **{"max_order": 4, "periodic": True, **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (rd.RNN([[1.0]], [[0.5]]), "periodic=True is for piecewise-linear networks, and got RNN"),
        (rd.PLRNN([0.5], [[1.0]], [0.0]), "this PLRNN has no weights C of an external input"),
    ],
)
def test_networks_that_have_no_periodic_input(model, message):
    with pytest.raises(ValueError, match=message):
        rd.find_cycles(model, 2, inputs=[[1.0], [0.0]], periodic=True)


def test_a_sequence_for_inputs_says_that_it_can_be_periodic():
    unit = rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[1.0]], s=[0.0])
    with pytest.raises(ValueError, match="periodic=True"):
        rd.find_cycles(unit, 2, inputs=np.zeros((1, 5, 1)))


def test_a_time_limit_says_which_orders_were_not_reached():
    case = deep(np.random.default_rng(1))
    found = case.search(max_order=9, time_limit=1e-6)
    assert found.search.stopped_by == "time_limit"
    assert not found.finished
    assert [record.order for record in found.search.orders] == list(range(1, 10))


def test_the_chain_is_the_maps_one_after_another():
    rng = np.random.default_rng(4)
    sizes, units = [2, 3, 1, 2], [3, 2, 4]
    forms = [
        CanonicalForm(*(rng.normal(size=s) for s in ((b, a), (b, h), (h, a), b, h)))
        for a, b, h in zip(sizes, sizes[1:], units, strict=False)
    ]
    chain = cyclic_chain(forms)
    parts = [rng.normal(size=size) for size in sizes[:3]]
    after = applied(chain, np.concatenate(parts))
    own = [applied(form, part) for form, part in zip(forms, parts, strict=True)]
    np.testing.assert_allclose(after, np.concatenate([own[2], own[0], own[1]]), atol=1e-14)
    lower, upper = -rng.random(2), rng.random(2)
    low, high = bounds_after(forms[0], lower, upper)
    states = rng.uniform(lower, upper, size=(500, 2))
    images = applied(forms[0], states)
    assert (images >= low - 1e-12).all()
    assert (images <= high + 1e-12).all()


def some_of(maker: Any, n: int) -> list[Case]:
    return [case for case in cases(maker) if 2 ** (case.n_units * case.period * 2) <= 4096][:n]


@pytest.mark.parametrize("maker", MAKERS)
def test_certificates_are_kept_checked_and_saved(maker, tmp_path):
    n_cycles = n_boxed = 0
    for case in some_of(maker, 2):
        for box in (None, 3.0):
            orders = [case.period, 2 * case.period]
            found = case.search(orders=orders, method="complete", keep_tree=True, box=box)
            certificate = found.certificate
            assert isinstance(certificate, rd.CompositionCertificate)
            assert (certificate.status, certificate.proved_orders) == ("proved", tuple(orders))
            assert certificate.has_trees
            verdict = certificate.verify(found.model)
            assert verdict.confirmed, verdict
            assert verdict.orders == tuple(orders)
            assert verdict.n_cycles >= found.n_certified
            where = "anywhere in R" if box is None else "in the box |z_i| <= 3"
            assert where in certificate.summary()[0]
            n_cycles += certificate.n_cycles
            n_boxed += len(certificate.box or ())
            certificate.save(tmp_path / "proof.npz")
            again = rd.load_result(tmp_path / "proof.npz")
            assert again == certificate
            assert again.verify(found.model)
            found.save(tmp_path / "cycles.npz")
            assert rd.load_result(tmp_path / "cycles.npz").certificate == certificate
            assert pickle.loads(pickle.dumps(certificate)) == certificate
    assert n_cycles
    assert n_boxed
    with pytest.raises(ValueError, match=r"certificates of compositions are \.npz files"):
        certificate.save(tmp_path / "proof.json")


def test_without_trees_nothing_is_confirmed():
    case = next(one for one in cases(periodic_plrnn) if one.search(orders=[one.period]).blocks)
    found = case.search(orders=[case.period], method="complete")
    assert not found.certificate.has_trees
    assert not found.certificate.verify(found.model)


def proof_of(case: Case, **options: Any) -> tuple[rd.CompositionCertificate, rd.Model]:
    orders = [case.period, 2 * case.period]
    found = case.search(orders=orders, method="complete", keep_tree=True, **options)
    assert found.certificate.verify(found.model)
    return found.certificate, found.model


@pytest.mark.parametrize("maker", MAKERS)
def test_tampered_certificates_are_refused(maker):
    n_cut = n_moved = 0
    for case in some_of(maker, drawn(2, 12)):
        proof, model = proof_of(case)
        for listed in proof.cycles:
            rest = tuple(other for other in proof.cycles if other is not listed)
            if not listed.certified.all() or not listed.error_bound.all():
                continue
            less = replace(proof, cycles=rest)
            assert "is a cycle that is not listed" in less.verify(model).reasons[0]
            changed = {
                "points": listed.points + 1e-3,
                "itinerary": ~listed.itinerary,
                "error_bound": listed.error_bound / 2.0,
            }
            for name, values in changed.items():
                other = replace(proof, cycles=(*rest, replace(listed, **{name: values})))
                assert "certified cycle is no certified fixed" in other.verify(model).reasons[0]
                n_moved += 1
            chain = proof.chains[listed.order]
            emptied = replace(
                proof, chains={**proof.chains, listed.order: replace(chain, cycles=())}
            )
            assert "neither listed nor undecided" in emptied.verify(model).reasons[0]
            n_cut += 1
    assert n_cut
    assert n_moved


def test_claims_that_go_beyond_the_chains_are_refused():
    case = some_of(periodic_plrnn, 1)[0]
    proof, model = proof_of(case)
    first, second = proof.orders
    small = replace(proof, box=(np.full(case.n_states, -1.0), np.full(case.n_states, 1.0)))
    assert "certified cycle lies outside the box" in small.verify(model).reasons[0]
    # What holds everywhere holds in a box, of which that cycle is not.
    assert replace(small, cycles=()).verify(model)
    less = replace(proof, chains={first: proof.chains[first]})
    assert "it is said to be proved, but its chain is not" in less.verify(model).reasons[0]
    swapped = replace(proof, chains={first: proof.chains[second], second: proof.chains[first]})
    assert "another network" in swapped.verify(model).reasons[0]
    assert "claims no proof" in replace(proof, proved_orders=()).verify(model).reasons[0]
    partly = replace(proof, proved_orders=(first,))
    assert f"but order {second} is not" in partly.verify(model).reasons[0]
    odd = replace(proof, orders=(first, second + 1), proved_orders=(first, second + 1), chains={
        first: proof.chains[first], second + 1: proof.chains[second]})  # fmt: skip
    assert "no multiple of" in odd.verify(model).reasons[0]
    wider = replace(proof, n_states=proof.n_states)
    assert wider.verify(model)
    inputs = np.array(model.inputs)
    inputs[0, 0] += 0.5
    other = rd.PeriodicallyDriven(model.network, inputs)
    assert "another network" in proof.verify(other).reasons[0]
    with pytest.raises(TypeError, match=r"a PeriodicallyDriven network or a DeepPLRNN"):
        proof.verify(model.network)


@pytest.mark.parametrize("maker", [periodic_plrnn, deep])
def test_a_box_of_a_chain_that_is_too_small_is_refused(maker):
    for case in some_of(maker, 3):
        proof, model = proof_of(case, box=3.0)
        for sign in (-1.0, 1.0):
            bounds = [np.array(bound) for bound in proof.box]
            bounds[0 if sign < 0 else 1][-1] += sign * 1e-3
            wider = replace(proof, box=tuple(bounds))
            assert "does not hold all orbits in the box" in wider.verify(model).reasons[0]
        everywhere = replace(proof, box=None)
        assert "searched in a box" in everywhere.verify(model).reasons[0]


def test_the_box_of_a_chain_is_wide_enough_within_a_step():
    proof, model = proof_of(some_of(deep, 1)[0], box=3.0)
    lower, upper = (np.array(bound) for bound in proof.chains[1].box)
    m = proof.n_states
    assert len(lower) > m
    upper[m] -= 1e-3  # of what goes into the second layer
    tight = replace(proof.chains[1], box=(lower, upper))
    refused = replace(proof, chains={**proof.chains, 1: tight}).verify(model)
    assert refused.reasons


def test_an_interrupted_search_goes_on(tmp_path):
    rng = np.random.default_rng([3, 0])
    A, W, h = rng.uniform(0.2, 0.8, 5), 0.9 * rng.normal(size=(5, 5)), rng.normal(size=5)
    network = rd.PLRNN(A, W, h, C=rng.normal(size=(5, 1)), s=[0.0])

    def search(**options: Any) -> rd.CycleSet:
        return rd.find_cycles(
            network, orders=[3, 6], inputs=[[1.0], [-1.0], [0.0]], periodic=True,
            method="complete", keep_tree=True, progress=False, **options,
        )  # fmt: skip

    whole = search()
    limits = (0.05, 0.02, 0.005, 0.001)
    begun = next(
        found
        for found in (search(time_limit=limit, n_threads=1) for limit in limits)
        if found.certificate.status == "partial"
    )
    assert not begun.finished
    begun.save(tmp_path / "begun.npz")
    again = search(resume=rd.load_result(tmp_path / "begun.npz"))
    assert again == whole
    assert (again.certificate.status, again.finished) == ("proved", True)
    assert again.certificate.verify(again.model)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_finished_search_may_be_gone_on_with(maker):
    for case in some_of(maker, drawn(1, 20)):
        options = {"orders": [case.period, 2 * case.period], "method": "complete"}
        whole = case.search(**options, keep_tree=True)
        again = case.search(**options, keep_tree=True, resume=whole)
        assert again == whole
        assert again.certificate.status == "proved"
        assert len(again.certificate.parts) == len(whole.certificate.parts)
        assert again.certificate.verify(again.model)


def test_resume_refuses_other_searches():
    case = some_of(periodic_plrnn, 1)[0]
    orders = [case.period]
    begun = case.search(orders=orders, method="complete")
    other = some_of(periodic_plrnn, 2)[1].search(max_order=3, method="complete")
    for options, message in (
        ({"resume": other, "orders": orders}, "same model"),
        ({"resume": begun, "orders": [2 * case.period]}, "same orders"),
        ({"resume": begun, "orders": orders, "box": 2.0}, "same box"),
        ({"resume": begun, "orders": orders, "method": "auto"}, "give method='complete'"),
    ):
        with pytest.raises(ValueError, match=message):
            case.search(**{"method": "complete", **options})
    with pytest.raises(TypeError, match="resume must be what an interrupted"):
        case.search(orders=orders, method="complete", resume=begun[0])


def test_a_damaged_file_of_a_certificate_says_so(tmp_path):
    proof, _ = proof_of(some_of(deep, 1)[0])
    proof.save(tmp_path / "proof.npz")
    with np.load(tmp_path / "proof.npz") as file:
        members = {name: file[name] for name in file}
    del members["chain_1/part_0/open_bits"]
    np.savez(tmp_path / "less.npz", **members)
    with pytest.raises(ValueError, match=r"less\.npz cannot be read as a certificate of a compos"):
        rd.load_result(tmp_path / "less.npz")


def test_certificates_in_a_shell(tmp_path, capsys):
    network = rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[1.0]], s=[0.0])
    rd.save_model(network, tmp_path / "net.npz")
    np.save(tmp_path / "period.npy", [[1.0], [-1.0]])
    np.save(tmp_path / "constant.npy", [0.25])
    net, period, constant = (str(tmp_path / n) for n in ("net.npz", "period.npy", "constant.npy"))
    proof, simple = str(tmp_path / "proof.npz"), str(tmp_path / "simple.json")
    search = ["cycles", net, "--max-order", "4", "--method", "complete", "--quiet"]
    periodic = ["--inputs", period, "--periodic"]
    assert main([*search, *periodic, "--certificate", proof]) == 0
    assert main([*search, "--inputs", constant, "--certificate", simple]) == 0
    assert main(["verify", proof, net, *periodic]) == 0
    assert "Confirmed" in capsys.readouterr().out
    assert main(["verify", simple, net, "--inputs", constant]) == 0
    assert main(["verify", simple, net]) == 1
    assert "another network" in capsys.readouterr().out
    for wrong, message in (
        (["verify", proof, net], "give --inputs, the input (T, K) of one period, and --periodic"),
        (["verify", simple, net, *periodic], "leave out --periodic"),
        ([*search, *periodic, "--certificate", simple], "must end in one of .npz"),
        ([*search, "--inputs", period, "--certificate", proof], "or a period (T, K) with"),
    ):
        assert main(wrong) == 2
        assert message in capsys.readouterr().err
