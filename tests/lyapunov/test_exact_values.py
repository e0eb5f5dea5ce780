"""Exponents that linear algebra knows exactly, to 1e-9.

Where eigenvalues come in complex pairs, or with nearly equal moduli, single directions of the frame
turn forever; what converges exactly is the volume growth of the first k directions wherever the
k-th and the next modulus differ. So the sums of the first k exponents are compared there.
"""

import numpy as np
import pytest

import rnndyn as rd
from lyapunov.core_cases import (
    Layer,
    PiecewiseLinearSystem,
    RecurrentNetwork,
    core_system,
    linear,
    random_network,
    random_piecewise_linear,
    rates,
    run_core,
)
from reference.lyapunov import exact_log_moduli, orbit_jacobians

ACCURACY = 1e-9
GRU_GATES = 3


def assert_sums_are(record, log_moduli, clear=0.02):
    """Compare sums of exponents with those of sorted log moduli (m,) where a gap follows.

    ``clear`` is the smallest gap per step that the warm-up of these tests lets converge.
    """
    expected = np.sort(log_moduli)[::-1]
    exponents = rates(record)
    gaps = expected[:-1] - expected[1:]
    ends = [*np.flatnonzero(gaps > clear), len(expected) - 1]
    assert len(ends) >= min(2, len(expected) - 1)
    found = np.cumsum(exponents, axis=1)[:, ends]
    np.testing.assert_allclose(
        found, np.broadcast_to(np.cumsum(expected)[ends], found.shape), rtol=0, atol=ACCURACY
    )


def log_moduli(matrix):
    return np.log(np.abs(np.linalg.eigvals(matrix)))


@pytest.mark.parametrize("qr_interval", [0, 1, 3])
@pytest.mark.parametrize("n_states", [1, 2, 3, 5, 8])
def test_linear_map(n_states, qr_interval):
    rng = np.random.default_rng(n_states)
    for _ in range(5):
        matrix = rng.normal(size=(n_states, n_states))
        matrix *= 0.98 / np.exp(log_moduli(matrix).max())  # stays finite
        record = run_core(
            linear(matrix),
            rng.normal(size=(2, n_states)),
            n_warmup=1500,
            n_steps=400,
            qr_interval=qr_interval,
        )
        assert_sums_are(record, log_moduli(matrix))


def periodic_orbit(system, states, inputs, n_settle=600):
    """States at the end of whole periods, on the orbit of the same period."""
    n_periods = -(-n_settle // inputs.shape[1])
    for _ in range(n_periods):
        before = states
        for t in range(inputs.shape[1]):
            states = system.step(states, inputs[:, t])
    assert np.abs(states - before).max() < 1e-13
    return states


PERIODIC = [
    ("rnn_tanh", [4]),
    ("rnn_tanh", [3, 2]),
    ("gru", [3]),
    ("gru", [2, 3, 2]),
    ("lstm", [2]),
    ("lstm", [2, 2]),
]


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize(("kind", "widths"), PERIODIC)
def test_periodic_drive_gives_the_eigenvalues_of_the_monodromy_matrix(kind, widths, joint):
    rng = np.random.default_rng(widths)
    for period in (1, 2, 3):
        system = random_network(rng, kind, widths, gain=0.6)
        inputs = rng.normal(size=(1, period, 2))
        states = periodic_orbit(system, np.zeros((1, sum(system.layer_sizes))), inputs)
        jacobians = orbit_jacobians(system, states[0], inputs[0], period)
        record = run_core(
            system, states, inputs, n_warmup=600 * period, n_steps=200 * period, joint=joint
        )
        end = 0
        for number, size in enumerate([len(states[0])] if joint else system.layer_sizes):
            block = slice(end, end + size)
            end += size
            own = {
                "log_growth": record["log_growth"][:, :, record["layer"] == number],
                "window_steps": record["window_steps"],
            }
            expected = exact_log_moduli(jacobians[:, block, block]) / period
            assert_sums_are(own, expected, clear=0.05)


@pytest.mark.parametrize("kind", ["rnn_tanh", "gru", "lstm"])
def test_the_layers_spectra_together_are_the_joint_spectrum(kind):
    rng = np.random.default_rng(8)
    system = random_network(rng, kind, [2, 3, 2], gain=0.6)
    inputs = rng.normal(size=(4, 3, 2))
    states = periodic_orbit(system, np.zeros((4, sum(system.layer_sizes))), inputs)
    union, joint = (
        rates(run_core(system, states, inputs, n_warmup=3000, n_steps=600, joint=together))
        for together in (False, True)
    )
    for separate, together in zip(np.sort(union)[:, ::-1], joint, strict=True):
        # A pair that turns within one frame is averaged differently in the other.
        ends = [*np.flatnonzero(-np.diff(separate) > 0.02), -1]
        assert len(ends) >= 4
        np.testing.assert_allclose(
            np.cumsum(separate)[ends], np.cumsum(together)[ends], rtol=0, atol=ACCURACY
        )


@pytest.mark.parametrize("driven", [False, True])
def test_gru_without_recurrent_weights_has_the_update_gates_as_exponents(driven):
    rng = np.random.default_rng(5)
    n, n_inputs, n_steps = 4, 2, 150
    weight_ih = rng.normal(size=(3 * n, n_inputs)) * driven
    bias_ih, bias_hh = rng.normal(size=(2, 3 * n))
    system = RecurrentNetwork("gru", [Layer(weight_ih, np.zeros((3 * n, n)), bias_ih, bias_hh)])
    inputs = rng.normal(size=(3, n_steps, n_inputs))
    argument = inputs @ weight_ih[n : 2 * n].T + (bias_ih + bias_hh)[n : 2 * n]
    expected = np.mean(-np.logaddexp(0.0, -argument), axis=1)
    axes = np.broadcast_to(np.eye(n), (3, n, n)).copy()
    record = run_core(system, np.zeros((3, n)), inputs, [axes], n_steps=n_steps)
    np.testing.assert_allclose(rates(record), expected, rtol=0, atol=ACCURACY)


@pytest.mark.parametrize("qr_interval", [0, 1])
def test_lstm_without_recurrent_weights_has_the_forget_gates_as_exponents(qr_interval):
    """The hidden state then depends on the cell state alone: half the directions vanish."""
    rng = np.random.default_rng(6)
    n = 3
    bias_ih, bias_hh = rng.normal(size=(2, 4 * n))
    system = RecurrentNetwork(
        "lstm", [Layer(np.zeros((4 * n, 1)), np.zeros((4 * n, n)), bias_ih, bias_hh)]
    )
    record = run_core(
        system,
        np.zeros((2, 2 * n)),
        np.zeros((2, 1, 1)),
        n_settle=400,
        n_warmup=400,
        n_steps=100,
        qr_interval=qr_interval,
    )
    forget = -np.logaddexp(0.0, -(bias_ih + bias_hh)[n : 2 * n])
    for exponents in rates(record):
        np.testing.assert_allclose(exponents[:n], np.sort(forget)[::-1], rtol=0, atol=ACCURACY)
        np.testing.assert_array_equal(exponents[n:], -np.inf)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("kind", ["rnn_tanh", "gru", "lstm", "piecewise linear"])
def test_the_sum_of_all_exponents_is_the_mean_log_determinant(kind, joint):
    rng = np.random.default_rng(7)
    if kind == "piecewise linear":
        system = random_piecewise_linear(rng, 4, 6, "12")
    else:
        system = random_network(rng, kind, [3, 4], gain=1.0)
    n_batch, n_steps = 3, 60
    states = rng.normal(size=(n_batch, sum(system.layer_sizes)))
    inputs = rng.normal(size=(n_batch, n_steps, 2))
    record = run_core(system, states, inputs, n_steps=n_steps, joint=joint)
    log_determinant = 0.0
    for t in range(n_steps):
        log_determinant += np.linalg.slogdet(system.jacobian(states, inputs[:, t]))[1]
        states = system.step(states, inputs[:, t])
    np.testing.assert_allclose(
        rates(record).sum(axis=1), log_determinant / n_steps, rtol=0, atol=ACCURACY
    )


def assert_cycle_growth(system, cycle, n_states):
    """Exponents along a cycle are log |multipliers| / k; its orbit must not be left meanwhile.

    Rounding leaves an unstable cycle after some thirty steps, but in the interior of the regions
    the Jacobians are those of the cycle until then.
    """
    points, order = np.asarray(cycle.points), cycle.order
    expected = np.log(np.abs(cycle.multipliers)) / order
    frame = run_core(system, points[:1], n_steps=order * (12 // order + 1))["frames"]
    # The frame of the end belongs to the cycle's first point again: start over with it.
    for _ in range(6):
        frame = run_core(system, points[:1], None, frame, n_steps=order * (12 // order + 1))[
            "frames"
        ]
    record = run_core(system, points[:1], None, frame, n_steps=order)
    finite = np.isfinite(expected)
    assert finite.sum() == n_states
    assert_sums_are(record, expected, clear=0.3)


def test_cycles_of_the_lozi_map():
    model = rd.examples.lozi_map()
    canonical = model.canonical
    system = PiecewiseLinearSystem(
        canonical.A, canonical.W1, canonical.W2, canonical.h1, canonical.h2
    )
    cycles = list(rd.find_cycles(model, max_order=8))
    assert len(cycles) >= 10
    for cycle in cycles:
        assert_cycle_growth(core_system(system), cycle, 2)


def test_stable_cycles_of_piecewise_linear_networks():
    n_cycles = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        model = rd.PLRNN(
            A=rng.uniform(-0.9, 0.9, size=3), W=rng.normal(size=(3, 3)), h=rng.normal(size=3)
        )
        canonical = model.canonical
        system = core_system(
            PiecewiseLinearSystem(
                canonical.A, canonical.W1, canonical.W2, canonical.h1, canonical.h2
            )
        )
        for cycle in rd.find_cycles(model, max_order=4).stable:
            moduli = np.abs(cycle.multipliers)
            if moduli.min() < 1e-6 or np.diff(np.sort(moduli)).max() < 0.2 * moduli.max():
                continue
            record = run_core(
                system,
                np.asarray(cycle.points)[:1],
                n_warmup=500 * cycle.order,
                n_steps=100 * cycle.order,
            )
            assert_sums_are(record, np.log(moduli) / cycle.order, clear=0.03)
            n_cycles += cycle.order > 1
    assert n_cycles >= 5
