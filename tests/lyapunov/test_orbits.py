"""What becomes of an orbit decides what its exponents are: cycles, underflow, and infinity."""

import numpy as np
import pytest

import rnndyn as rd


def log_moduli(matrix):
    return np.sort(np.log(np.abs(np.linalg.eigvals(matrix))))[::-1]


# Homogeneous maps: the direction of the state decides, whatever its size.


def normalised_exponents(model, z, n_steps, transient):
    """Exponents with the state brought to length 1 after every step."""
    q = np.eye(len(z))
    sums = np.zeros(len(z))
    for step in range(transient + n_steps):
        q, r = np.linalg.qr(model.jacobian(z) @ q)
        z = model.step(z)
        z = z / np.linalg.norm(z)
        if step >= transient:
            sums += np.log(np.abs(np.diag(r)))
    return sums / n_steps


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_state_that_has_underflowed_still_has_a_direction(dtype):
    half = rd.ReLURNN([[0.5]], [0.0])
    spectrum = rd.lyapunov_spectrum(half, z0=[1.0], n_steps=2000, transient=0, dtype=dtype)
    accuracy = 1e-12 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(spectrum.exponents, np.log(0.5), rtol=accuracy)
    assert spectrum.converged.all()
    # The smallest multiple that keeps the direction stands for the state.
    assert 0.0 < spectrum.states[0, 0] < 1e-200
    again = rd.lyapunov_spectrum(half, z0=spectrum.states, frame=spectrum.frame, n_steps=100)
    np.testing.assert_allclose(again.exponents, np.log(0.5), rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_homogeneous_networks_that_contract_or_expand(seed):
    rng = np.random.default_rng(seed)
    model = rd.PLRNN(rng.uniform(0.1, 0.5, 3), 0.6 * rng.normal(size=(3, 3)), np.zeros(3))
    z0 = rng.normal(size=3)
    largest = normalised_exponents(model, z0, 3000, 100).max()
    if largest > 0.0:
        model = rd.PLRNN(model.A * 0.3, model.W * 0.3, np.zeros(3))
        largest += np.log(0.3)
    spectrum = rd.lyapunov_spectrum(model, z0=z0, n_steps=4000, transient=100)
    assert spectrum.exponents[0, 0] == pytest.approx(largest, abs=0.02)
    if largest < -0.3:
        assert np.abs(model.orbit(z0, 4100)[-1]).max() == 0.0, "plain numbers have underflowed"


def test_a_relu_network_without_biases_and_with_two_layers():
    eye = np.eye(2)
    network = rd.RNN([None, eye], [0.5 * eye, 0.25 * eye], nonlinearity="relu")
    spectrum = rd.lyapunov_spectrum(network, z0=[1.0, 2.0, 1.0, 3.0], n_steps=3000, transient=10)
    np.testing.assert_allclose(spectrum.exponents[0], np.log([0.5, 0.5, 0.25, 0.25]), atol=1e-10)


# Orbits that run away.

RUNNING_AWAY = {
    "exponentially": (rd.PLRNN([1.01, 0.5], [[0, 0], [0.1, 0]], [0.1, 0]), 10_000),
    "by a step at a time": (rd.PLRNN([1.0, 0.5], [[0, 0], [0.1, 0]], [0.1, 0]), 10_000),
    "with alternating sign": (rd.PLRNN([-1.02], [[0.0]], [0.1]), 1000),
    "in a spiral": (
        rd.PLRNN(1.01 * np.array([[0.6, -0.8], [0.8, 0.6]]), np.zeros((2, 2)), [1, 0]),
        2000,
    ),
}


@pytest.mark.parametrize("name", RUNNING_AWAY)
def test_an_orbit_that_runs_away_has_no_attractor(name):
    model, n_steps = RUNNING_AWAY[name]
    spectrum = rd.lyapunov_spectrum(model, z0=np.ones(model.n_states), n_steps=n_steps)
    assert spectrum.unbounded.all()
    assert not spectrum.converged.any()
    assert not spectrum.pooled_converged.any()
    assert "UNBOUNDED: The orbit grows without bound" in repr(spectrum)
    assert "dimension" not in repr(spectrum)
    with pytest.raises(ValueError, match="sequence 0 grows without bound, so there is no"):
        _ = spectrum.kaplan_yorke_dimension
    assert spectrum.to_dict()["pooled"]["kaplan_yorke_dimension"] is None
    assert spectrum.to_dict()["sequences"][0]["unbounded"] is True


def tanh_network(gain, n=3, seed=0):
    rng = np.random.default_rng(seed)
    return rd.RNN(None, gain * rng.normal(size=(n, n)) / np.sqrt(n))


BOUNDED = {
    "slowly to a fixed point": (rd.PLRNN([0.9999], [[0.0]], [0.1]), [1.0], 10_000),
    "far from the offsets": (rd.PLRNN([0.999], [[0.0]], [0.1]), [1e6], 10_000),
    "chaos": (rd.examples.lozi_map(1.7, 0.5), [0.1, 0.1], 3000),
    "away from an unstable fixed point": (tanh_network(2.0), [1e-200, 0.0, 0.0], 300),
    "at rest": (rd.PLRNN([2.0], [[0.0]], [0.0]), [0.0], 1000),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_an_orbit_that_stays_is_not_said_to_run_away(name):
    model, z0, n_steps = BOUNDED[name]
    spectrum = rd.lyapunov_spectrum(model, z0=z0, n_steps=n_steps)
    assert not spectrum.unbounded.any()
    assert "UNBOUNDED" not in repr(spectrum)


def test_one_orbit_of_several_runs_away():
    escape = rd.PLRNN([0.5], [[0.7]], [0.1])  # slope 1.2 right of 0, 0.5 left
    spectrum = rd.lyapunov_spectrum(escape, z0=[[1.0], [-1.0]], n_steps=200, transient=0)
    assert spectrum.unbounded.tolist() == [True, True]
    bounded = rd.PLRNN([0.5], [[0.7]], [-0.1])
    spectrum = rd.lyapunov_spectrum(bounded, z0=[[1.0], [-1.0]], n_steps=200, transient=0)
    assert spectrum.unbounded.tolist() == [True, False]
    assert "UNBOUNDED: 1 of 2 orbits grow without bound" in repr(spectrum)
    np.testing.assert_array_equal(spectrum.orbit, [-1, 1])


def test_a_scan_marks_what_runs_away_however_far_it_came():
    line = rd.PLRNN([[0.5]], [[0.0]], [1.0])
    result = rd.scan(line, ("A[0,0]", [0.5, 1.05, 3.0]), n_steps=500)
    assert result.status["max_lyapunov"].tolist() == ["ok", "diverged", "diverged"]
    assert np.ma.getmaskarray(result["max_lyapunov"]).tolist() == [False, True, True]
    assert result.diverged("max_lyapunov_error").tolist() == [False, True, True]


# Orbits that have settled.


def test_a_fixed_point_is_exact():
    network = rd.PLRNN([0.2, 0.3, 0.1], 0.5 * np.eye(3, k=1), [0.1, 0.2, 0.3])
    spectrum = rd.lyapunov_spectrum(network, n_steps=300)
    jacobian = network.jacobian(spectrum.states[0])
    np.testing.assert_allclose(spectrum.exponents[0], log_moduli(jacobian), rtol=0, atol=1e-13)
    assert spectrum.exact.all()
    assert spectrum.converged.all()
    assert not spectrum.autocorrelated.any()
    assert "The orbit settles on a fixed point" in repr(spectrum)
    assert "take more steps" not in repr(spectrum)


def test_a_cycle_is_exact():
    flip = rd.PLRNN([[0.5]], [[-1.9]], [1.0])  # slopes 0.5 and -1.4: a stable 2-cycle
    spectrum = rd.lyapunov_spectrum(flip, z0=[0.3], n_steps=400)
    assert spectrum.orbit.tolist() == [2]
    assert spectrum.exponents[0, 0] == pytest.approx(0.5 * np.log(0.7), abs=1e-13)
    assert "The orbit settles on a cycle of order 2" in repr(spectrum)


def random_recurrent(kind, n, rng):
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
    bound = 1.0 / np.sqrt(n)
    shapes = (gates * n, 1), (gates * n, n), gates * n, gates * n
    return getattr(rd, kind)(*(rng.uniform(-bound, bound, size=shape) for shape in shapes))


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_short_runs_of_networks_that_settle(kind):
    """Transients are no noise: batch means alone held the exponents in 60, 27 and 11 % of seeds."""
    n_held = n_seeds = 40
    for seed in range(n_seeds):
        network = random_recurrent(kind, 20, np.random.default_rng(seed))
        spectrum = rd.lyapunov_spectrum(network, n_steps=500, seed=seed)
        state = spectrum.states[0]
        for _ in range(3000):
            state = network.step(state)
        truth = log_moduli(network.jacobian(state))
        lower, upper = spectrum.interval(0.95)
        held = (lower[0] <= truth + 1e-12) & (truth - 1e-12 <= upper[0])
        n_held -= not held.all()
    assert n_held >= 0.95 * n_seeds


def test_an_orbit_that_is_still_on_its_way():
    rng = np.random.default_rng(0)
    for seed in range(10):
        weights = rng.normal(size=(20, 20)) / np.sqrt(20)
        network = rd.RNN(None, 0.985 * weights / np.abs(np.linalg.eigvals(weights)).max())
        spectrum = rd.lyapunov_spectrum(network, n_steps=500, seed=seed)
        truth = log_moduli(network.jacobian(np.zeros(20)))
        assert np.abs(spectrum.states).max() > 1e-9
        np.testing.assert_allclose(spectrum.exponents[0], truth, rtol=0, atol=1e-10)
        assert spectrum.exact.all()


def test_orbits_on_several_cycles_and_layers():
    rng = np.random.default_rng(3)
    network = rd.RNN(
        [None, rng.normal(size=(4, 4))],
        [0.4 * rng.normal(size=(4, 4)), 0.4 * rng.normal(size=(4, 4))],
        [rng.normal(size=4), rng.normal(size=4)],
    )
    apart = rd.lyapunov_spectrum(network, n_steps=400, n_sequences=3)
    joint = rd.lyapunov_spectrum(network, n_steps=400, n_sequences=3, joint=True)
    assert apart.exact.all()
    np.testing.assert_allclose(apart.exponents, joint.exponents, rtol=0, atol=1e-11)
    jacobian = network.jacobian(apart.states[0])
    np.testing.assert_allclose(apart.exponents[0], log_moduli(jacobian), rtol=0, atol=1e-11)
    assert sorted(np.unique(apart.layer).tolist()) == [0, 1]


def test_a_driven_network_is_never_said_to_have_settled():
    network = random_recurrent("GRU", 5, np.random.default_rng(0))
    drive = np.random.default_rng(1).normal(size=(400, 1))
    spectrum = rd.lyapunov_spectrum(network, drive)
    assert not spectrum.exact.any()
    assert (spectrum.orbit == 0).all()
    constant = rd.lyapunov_spectrum(network, np.full((400, 1), 0.3))
    assert constant.exact.all()


def test_a_saddle_that_an_orbit_passes_is_not_where_it_settles():
    rng = np.random.default_rng(0)
    network = tanh_network(3.0, n=10, seed=4)
    spectrum = rd.lyapunov_spectrum(network, z0=1e-12 * rng.normal(size=10), n_steps=5, transient=0)
    assert not spectrum.exact.any()


def test_a_network_at_an_unstable_fixed_point_has_its_exponents():
    network = tanh_network(3.0, n=6, seed=2)
    spectrum = rd.lyapunov_spectrum(network, z0=np.zeros(6), n_steps=50)
    truth = log_moduli(network.jacobian(np.zeros(6)))
    np.testing.assert_allclose(spectrum.exponents[0], truth, rtol=0, atol=1e-12)
    assert spectrum.exponents[0, 0] > 0.0


@pytest.mark.parametrize("suffix", ["npz"])
def test_what_became_of_an_orbit_is_saved(tmp_path, suffix):
    for model, z0 in ((RUNNING_AWAY["with alternating sign"][0], [1.0]), (tanh_network(0.5), None)):
        spectrum = rd.lyapunov_spectrum(model, z0=z0, n_steps=300)
        spectrum.save(tmp_path / f"spectrum.{suffix}")
        again = rd.LyapunovSpectrum.load(tmp_path / f"spectrum.{suffix}")
        assert again == spectrum
        np.testing.assert_array_equal(again.exponents, spectrum.exponents)
        np.testing.assert_array_equal(again.orbit, spectrum.orbit)


# Derivatives that cancel.


def all_on(rng, m=4, n_units=30, a=0.0):
    """A clipped network on a fixed point at which the two halves of every unit cancel."""
    signs = rng.choice([-1.0, 1.0], size=(m, n_units))
    weights = np.abs(
        rng.choice([-1.0, 1.0], size=(n_units, m)) + 0.1 * rng.normal(size=(n_units, m))
    )
    diagonal = np.broadcast_to(a, m)
    return rd.ClippedShallowPLRNN(
        diagonal, signs * rng.uniform(0.5, 1.5), weights, np.full(m, 100.0), np.full(n_units, 0.5)
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("qr_interval", ["auto", 1, 5])
def test_terms_that_cancel_annihilate(dtype, qr_interval):
    rng = np.random.default_rng(0)
    for _ in range(5):
        model = all_on(rng)
        spectrum = rd.lyapunov_spectrum(
            model, z0=[100.0] * 4, n_steps=300, dtype=dtype, qr_interval=qr_interval
        )
        np.testing.assert_array_equal(spectrum.exponents, -np.inf)


@pytest.mark.parametrize("qr_interval", ["auto", 1, 5])
def test_what_is_left_where_terms_cancel(qr_interval):
    model = all_on(np.random.default_rng(1), a=[0.9, 0.5, 0.0, 1e-20])
    spectrum = rd.lyapunov_spectrum(
        model, z0=[100.0] * 4, n_steps=300, transient=20, qr_interval=qr_interval
    )
    np.testing.assert_allclose(
        spectrum.exponents[0, :3], np.log([0.9, 0.5, 1e-20]), rtol=1e-9, atol=1e-9
    )
    assert spectrum.exponents[0, 3] == -np.inf


def test_one_step_that_annihilates_among_others():
    """z' = -W relu(z) ... on a 2-cycle, one of whose points has the Jacobian A + W = 0."""
    third = 1.0 / 3.0
    model = rd.PLRNN([third, 0.5], [[-third, 0.0], [0.0, 0.0]], [0.25, 0.1])
    spectrum = rd.lyapunov_spectrum(model, z0=[1.0, 1.0], n_steps=200)
    np.testing.assert_allclose(spectrum.exponents[0], [np.log(0.5), -np.inf], atol=1e-9)


def test_strong_contraction_is_not_taken_for_annihilation():
    model = rd.PLRNN([1e-3, 1e-9, 1e-15], np.zeros((3, 3)), [1.0, 1.0, 1.0])
    spectrum = rd.lyapunov_spectrum(model, n_steps=500)
    np.testing.assert_allclose(spectrum.exponents[0], np.log([1e-3, 1e-9, 1e-15]), rtol=1e-9)


def random_model(rng):
    """A small network of one of five kinds, also with tied weights, no offsets and mixed scales."""
    n = int(rng.integers(1, 6))
    scale = 10.0 ** rng.integers(-8, 9, size=n) if rng.random() < 0.2 else np.ones(n)
    kind = rng.integers(5)
    if kind == 0:
        weights = rng.normal(size=(n, n)) * rng.choice([0.3, 1.0, 2.0])
        offsets = rng.normal(size=n) * scale * rng.choice([0.0, 1.0])
        return rd.PLRNN(rng.uniform(-1.1, 1.1, n), weights * scale[:, None] / scale, offsets)
    if kind == 1:
        weights = rng.normal(size=(n, n)) * rng.choice([0.3, 1.0, 3.0])
        return rd.RNN(None, weights, rng.normal(size=n) * rng.choice([0.0, 1.0]))
    if kind == 2:
        n_units = int(rng.integers(1, 12))
        return rd.ClippedShallowPLRNN(
            rng.uniform(-0.9, 0.9, n),
            rng.choice([-1.0, 1.0], (n, n_units)),
            rng.normal(size=(n_units, n)),
            rng.normal(size=n),
            rng.normal(size=n_units),
        )
    if kind == 3:
        return random_recurrent("GRU", n, rng)
    tied = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    return rd.PLRNN(rng.choice(tied, n), rng.choice(2.0 * tied, (n, n)), rng.choice(tied, n))


def test_what_is_said_of_random_networks_is_true():
    said = {"settles": 0, "runs away": 0}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        model = random_model(rng)
        n_steps = int(rng.choice([20, 200, 1000]))
        z0 = rng.normal(size=model.n_states)
        try:
            spectrum = rd.lyapunov_spectrum(model, z0=z0, n_steps=n_steps, progress=False)
        except rd.DivergenceError:
            continue
        assert not np.isnan(spectrum.exponents).any(), seed
        assert not np.isnan(spectrum.standard_error).any(), seed
        end = np.abs(spectrum.states[0]).max()
        state = spectrum.states[0]
        if spectrum.unbounded[0]:
            said["runs away"] += 1
            try:
                for _ in range(4 * n_steps):
                    state = model.step(state)
            except OverflowError:
                continue
            assert np.abs(state).max() > 1.5 * end, seed
        elif spectrum.orbit[0] > 0:
            said["settles"] += 1
            period = int(spectrum.orbit[0])
            for _ in range(100 * period):
                state = model.step(state)
            orbit = model.orbit(state, period) if hasattr(model, "orbit") else None
            if orbit is not None:
                away = np.abs(orbit - spectrum.states[0]).max(axis=1).min()
                assert away <= 0.02 * max(end, np.abs(z0).max()), seed
    assert min(said.values()) > 20, said
