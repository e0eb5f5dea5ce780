"""Teacher forcing: its limits, its strategies, and the estimate of alpha."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rnndyn as rd  # noqa: E402
from rnndyn import training  # noqa: E402

from .cases import MAKERS, drawn, network, tent  # noqa: E402


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_alpha_1_is_one_step_prediction(name):
    module, x = network(name), drawn(4, 9, 3)
    states = training.rollout(module, x, forcing=1.0)
    assert torch.equal(states, torch.stack([module(x[:, t]) for t in range(8)], 1))


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_alpha_0_is_a_free_run(name):
    module, x = network(name, size=0.3), drawn(4, 9, 3)
    free = training.rollout(module, x)
    for forcing in (0.0, training.NoForcing(), training.GeneralizedForcing(0.0)):
        assert torch.equal(training.rollout(module, x, forcing=forcing), free)
    orbit = module.to_model().orbit(x[:, 0].numpy(), 8)
    np.testing.assert_allclose(free.detach().numpy(), orbit[:, 1:], rtol=0, atol=1e-10)


def test_forcing_between_mixes_the_states_with_the_data():
    module, x, alpha = network("shallow", size=0.3), drawn(4, 6, 3), 0.25
    states = training.rollout(module, x, forcing=alpha)
    z = x[:, 0]
    for t in range(5):
        y = z if t == 0 else (1.0 - alpha) * z + alpha * x[:, t]
        z = module(y)
        np.testing.assert_allclose(states[:, t].detach(), z.detach(), rtol=0, atol=1e-12)


def test_forcing_by_constant_data_is_the_forced_map():
    module = network("plrnn", size=0.3)
    target = drawn(3)
    x = target.expand(1, 30, 3)
    states = training.rollout(module, x, forcing=0.4)[0].detach().numpy()
    # The forced map acts on the forced states y_t = 0.6 z_t + 0.4 d; y_0 is d itself.
    orbit = rd.forced(module.to_model(), 0.4, target.numpy()).orbit(target.numpy(), 29)
    forced_states = 0.6 * states + 0.4 * target.numpy()
    np.testing.assert_allclose(forced_states, orbit[1:], rtol=0, atol=1e-10)


def test_sparse_forcing_starts_again_from_the_data():
    module, x = network("shallow", size=0.3), drawn(2, 13, 3)
    states = training.rollout(module, x, forcing=training.SparseForcing(4))
    for start in (0, 4, 8):
        piece = training.rollout(module, x[:, start : start + 5])
        assert torch.equal(states[:, start : start + 4], piece)
    assert torch.equal(
        training.rollout(module, x, forcing=training.SparseForcing(1)),
        training.rollout(module, x, forcing=1.0),
    )


def test_forcing_leaves_unobserved_states_alone():
    module, x = network("shallow", size=0.3), drawn(2, 5, 2)
    observation = training.IdentityObservation(3, 2)
    force = observation.forcing(x)
    z = drawn(2, 3, seed=8)
    forced = force(z, 1, 0.5)
    np.testing.assert_allclose(forced[:, :2], 0.5 * (z[:, :2] + x[:, 1]), rtol=0, atol=1e-15)
    assert torch.equal(forced[:, 2], z[:, 2])
    states = training.rollout(module, x, observation=observation, forcing=1.0)
    y = torch.cat([x[:, 1], states[:, 0, 2:]], 1)
    assert torch.equal(states[:, 1], module(y))


@pytest.mark.parametrize("n_observations", [2, 3, 7])
def test_affine_forcing_moves_the_observations_to_the_data(n_observations):
    observation = training.AffineObservation(3, n_observations, seed=4)
    with torch.no_grad():
        observation.b.add_(drawn(n_observations))
    truth = drawn(2, 5, 3, seed=2)
    x = observation(truth).detach()
    z = drawn(2, 3, seed=8)
    force = observation.forcing(x)
    for alpha in (0.3, 1.0):
        got = observation(force(z, 1, alpha))
        expected = (1.0 - alpha) * observation(z) + alpha * x[:, 1]
        np.testing.assert_allclose(got.detach(), expected.detach(), rtol=0, atol=1e-12)
    if n_observations >= 3:
        np.testing.assert_allclose(force(z, 1, 1.0), truth[:, 1], rtol=0, atol=1e-12)
    else:
        # The direction that is not observed stays.
        _, _, rows = torch.linalg.svd(observation.B.detach())
        hidden = rows[-1]
        np.testing.assert_allclose(force(z, 1, 1.0) @ hidden, z @ hidden, rtol=0, atol=1e-12)
    start = observation.initial_state(x[:, 0])
    np.testing.assert_allclose(observation(start).detach(), x[:, 0], rtol=0, atol=1e-12)


def test_no_gradient_passes_through_the_data_states():
    observation = training.AffineObservation(3, 3)
    force = observation.forcing(drawn(2, 5, 3))
    assert not force(drawn(2, 3), 1, 0.5).requires_grad
    assert not observation.data_states(drawn(2, 3)).requires_grad
    assert observation.initial_state(drawn(2, 3)).requires_grad


def test_inputs_act_on_the_step_that_begins_at_their_time():
    module = network("plrnn", n_inputs=2, size=0.3)
    x, inputs = drawn(3, 6, 3), drawn(3, 5, 2, seed=7)
    states = training.rollout(module, x, inputs=inputs)
    z = x[:, 0]
    for t in range(5):
        z = module(z, inputs[:, t])
        assert torch.equal(states[:, t], z)
    generated = training.generate(module, x[0, 0], 5, inputs=inputs[0])
    np.testing.assert_allclose(generated[1:], states[0].detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("data", "own"), [("float32", "float64"), ("float64", "float32")])
def test_data_are_converted_to_the_type_of_the_network(data, own):
    dtypes = {name: getattr(torch, name) for name in (data, own)}
    module = training.TrainableShallowPLRNN(3, 5, n_inputs=2, dtype=dtypes[own])
    x, inputs, noise = drawn(2, 6, 3), drawn(2, 5, 2), 0.1 * drawn(2, 6, 3, seed=3)
    given = [value.to(dtypes[data]) for value in (x, inputs, noise)]
    same = [value.to(dtypes[own]) for value in given]
    losses = [
        training.prediction_loss(module, x, forcing=0.3, inputs=inputs, noise=noise)
        for x, inputs, noise in (given, same)
    ]
    assert losses[0].dtype == dtypes[own]
    assert torch.equal(*losses)
    losses[0].backward()
    assert module.W1.grad.dtype == dtypes[own]
    assert torch.equal(
        training.rollout(module, given[0], inputs=given[1]),
        training.rollout(module, same[0], inputs=same[1]),
    )


@pytest.mark.parametrize("slope", [0.5, 2.0, 5.0])
def test_alpha_is_estimated_from_the_growth_of_gradients(slope):
    module = training.to_trainable(tent(slope))
    states = drawn(4, 200, 1)
    rates = training.gradient_growth_rates(module, states)
    np.testing.assert_allclose(rates, math.log(slope), rtol=0, atol=1e-12)
    expected = max(0.0, 1.0 - 1.0 / slope)
    assert training.forcing_for_growth(rates) == pytest.approx(expected, abs=1e-12)


def test_growth_rates_are_norms_of_products_and_never_overflow():
    module = network("shallow")
    states = drawn(2, 5, 3)
    jacobians = module.jacobian(states).detach()
    for i in range(2):
        product = np.linalg.multi_dot([j.numpy() for j in jacobians[i]][::-1])
        expected = math.log(np.linalg.norm(product, 2)) / 5
        got = float(training.gradient_growth_rates(module, states)[i])
        assert got == pytest.approx(expected, abs=1e-12)
    steep = training.to_trainable(rd.PLRNN([1e200], [[0.0]], [0.0]))
    rate = training.gradient_growth_rates(steep, drawn(50, 1))
    assert float(rate) == pytest.approx(200.0 * math.log(10.0), rel=1e-12)
    zero = training.to_trainable(rd.PLRNN([0.0], [[0.0]], [0.0]))
    assert float(training.gradient_growth_rates(zero, drawn(50, 1))) == -math.inf
    assert training.forcing_for_growth(training.gradient_growth_rates(zero, drawn(50, 1))) == 0.0


def test_adaptive_forcing_rises_at_once_and_falls_slowly():
    steep, flat = training.to_trainable(tent(4.0)), training.to_trainable(tent(0.5))
    states = drawn(3, 20, 1)
    forcing = training.AdaptiveForcing(every=2, decay=0.9, start=0.2)
    forcing.update(steep, states, 0)
    assert forcing.alpha == pytest.approx(0.75)
    forcing.update(flat, states, 1)
    assert forcing.alpha == pytest.approx(0.75)
    forcing.update(flat, states, 2)
    assert forcing.alpha == pytest.approx(0.9 * 0.75)
    again = training.AdaptiveForcing(every=2, decay=0.9)
    again.load_state_dict(forcing.state_dict())
    assert again.alpha == forcing.alpha


def test_annealed_forcing_follows_its_schedule():
    module, states = network("shallow"), drawn(1, 3, 3)
    linear = training.AnnealedForcing(1.0, 0.2, 80)
    ratio = training.AnnealedForcing(1.0, 0.01, 80, "exponential")
    for n, share, factor in ((0, 1.0, 1.0), (20, 0.8, 10**-0.5), (40, 0.6, 0.1), (99, 0.2, 0.01)):
        linear.update(module, states, n)
        ratio.update(module, states, n)
        assert linear.alpha == linear.alpha_at(7) == pytest.approx(share)
        assert ratio.alpha == pytest.approx(factor)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: training.GeneralizedForcing(1.5), ValueError, "alpha must be between 0 and 1"),
        (lambda: training.GeneralizedForcing(True), TypeError, "alpha must be a number"),
        (lambda: training.SparseForcing(0), ValueError, "interval must be"),
        (lambda: training.AnnealedForcing(1.0, 0.0, 9, "exponential"), ValueError, "must be posit"),
        (lambda: training.AnnealedForcing(1.0, 0.5, 9, "cosine"), ValueError, "shape must be"),
        (lambda: training.AdaptiveForcing(decay=-1.0), ValueError, "decay must be"),
        (
            lambda: training.rollout(network("plrnn"), drawn(2, 5, 3), forcing="sparse"),
            TypeError,
            "forcing must be a TeacherForcing",
        ),
        (lambda: training.rollout(network("plrnn"), drawn(3)), ValueError, "x must have shape"),
        (
            lambda: training.prediction_loss(network("plrnn"), drawn(2, 5, 3).numpy()),
            TypeError,
            r"x must be a tensor, got ndarray: use torch\.as_tensor\(x\)",
        ),
        (
            lambda: training.prediction_loss(network("plrnn"), drawn(2, 5, 3).cfloat()),
            TypeError,
            "x must hold real numbers",
        ),
        (
            lambda: training.rollout(
                training.TrainablePLRNN(2, dtype=torch.float32),
                drawn(5, 3),
                observation=training.AffineObservation(2, 3),
            ),
            TypeError,
            r"observation must be of the type of the network, torch\.float32",
        ),
        (
            lambda: training.rollout(network("plrnn"), drawn(2, 5, 4)),
            ValueError,
            "the data have 4 variables and the network only 3 states",
        ),
        (
            lambda: training.rollout(
                network("plrnn"), drawn(5, 3), observation=training.AffineObservation(2, 3)
            ),
            ValueError,
            "observation is for 2 states",
        ),
        (
            lambda: training.rollout(network("plrnn", n_inputs=1), drawn(5, 3), inputs=drawn(3, 1)),
            ValueError,
            "inputs must have shape",
        ),
        (lambda: training.IdentityObservation(2, 3), ValueError, "n_states must be at least"),
        (lambda: training.NoForcing().load_state_dict({"a": 1.0}), ValueError, "has no state"),
        (lambda: training.generate(network("plrnn"), [[1.0]], 3), ValueError, "x0 must have shape"),
        (
            lambda: training.generate(network("plrnn"), [1.0] * 3, 2, inputs=[[1.0]] * 2),
            ValueError,
            "inputs must have shape",
        ),
    ],
)
def test_messages_name_the_argument(make, error, message):
    with pytest.raises(error, match=message):
        make()
