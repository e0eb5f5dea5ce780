"""Trainable networks are the maps of their models, bit for bit, and have their Jacobians."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rnndyn as rd  # noqa: E402
from rnndyn import training  # noqa: E402

from .cases import MAKERS, drawn, network  # noqa: E402

FAMILIES = sorted(MAKERS)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("diagonal", [True, False])
@pytest.mark.parametrize("n_inputs", [0, 2])
def test_conversion_keeps_every_bit_both_ways(name, diagonal, n_inputs):
    module = network(name, n_inputs=n_inputs, diagonal=diagonal)
    model = module.to_model()
    assert type(model) is module.family
    again = type(module).from_model(model)
    assert again.to_model() == model
    assert training.to_trainable(model).to_model() == model
    ours, theirs = module.state_dict(), again.state_dict()
    assert list(ours) == list(theirs)
    for key, tensor in ours.items():
        assert torch.equal(tensor, theirs[key])
    assert rd.from_torch(module) == model


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("n_inputs", [0, 2])
def test_a_step_is_that_of_the_model(name, n_inputs):
    module = network(name, n_inputs=n_inputs)
    z = 2.0 * drawn(50, 3)
    expected = module.to_model().step(z.numpy())
    np.testing.assert_allclose(module(z).detach().numpy(), expected, rtol=0, atol=1e-13)
    if n_inputs:
        s = drawn(n_inputs, seed=5)
        expected = module.to_model(s.numpy()).step(z.numpy())
        np.testing.assert_allclose(module(z, s).detach().numpy(), expected, rtol=0, atol=1e-13)
        assert rd.from_torch(module, s.numpy()) == module.to_model(s.numpy())


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("diagonal", [True, False])
def test_jacobians_are_those_of_the_model(name, diagonal):
    module = network(name, diagonal=diagonal)
    z = 2.0 * drawn(40, 3)
    expected = module.to_model().jacobian(z.numpy())
    got = module.jacobian(z).detach().numpy()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13)
    # On the border of every unit of the state networks.
    border = torch.zeros(3, dtype=torch.float64)
    np.testing.assert_allclose(
        module.jacobian(border).detach().numpy(),
        module.to_model().jacobian(border.numpy()),
        rtol=0,
        atol=1e-13,
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_are_those_of_finite_differences(name):
    module = network(name, n_inputs=2, size=0.3)
    x, inputs = drawn(2, 6, 3), drawn(2, 5, 2, seed=3)
    target = drawn(2, 5, 3, seed=4)

    def loss(alpha):
        states = training.rollout(module, x, forcing=alpha, inputs=inputs)
        return (states - target).square().mean()

    for alpha in (0.0, 0.3):
        module.zero_grad()
        loss(alpha).backward()
        for parameter in module.parameters():
            flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
            for index in range(len(flat)):
                before, step = float(flat[index]), 1e-6
                values = []
                for sign in (1.0, -1.0):
                    flat[index] = before + sign * step
                    with torch.no_grad():
                        values.append(float(loss(alpha)))
                flat[index] = before
                difference = (values[0] - values[1]) / (2.0 * step)
                assert float(gradient[index]) == pytest.approx(difference, rel=1e-5, abs=1e-7)


class FreeRun(torch.nn.Module):
    """The mean square of a free run as a function of the parameters of the observation model."""

    def __init__(self, module, observation, x):
        super().__init__()
        self.observation = observation
        # In a list, so that the parameters of the network are not those of this module.
        self.fixed = [module, x]

    def forward(self):
        module, x = self.fixed
        z = self.observation.initial_state(x)
        states = [z := module(z) for _ in range(4)]
        return self.observation(torch.stack(states, 1)).square().mean()


@pytest.mark.parametrize("kind", [training.IdentityObservation, training.AffineObservation])
def test_gradients_of_observation_models_are_those_of_finite_differences(kind):
    run = FreeRun(network("shallow", size=0.3), kind(3, 2), drawn(6, 2))
    names = [name for name, _ in run.named_parameters()]

    def loss(*values):
        return torch.func.functional_call(run, dict(zip(names, values, strict=True)), ())

    values = [p.detach().clone().requires_grad_() for p in run.parameters()]
    assert values
    for gradient in torch.autograd.grad(loss(*values), values):
        assert float(gradient.abs().max()) > 1e-3
    assert torch.autograd.gradcheck(loss, tuple(values))


def test_smaller_types_become_float64_without_rounding():
    module = training.TrainableShallowPLRNN(3, 5, dtype=torch.float32)
    model = module.to_model()
    assert model.W1.tolist() == module.W1.tolist()
    again = training.to_trainable(model, dtype=torch.float32)
    assert torch.equal(again.W1, module.W1)


def test_the_seed_decides_the_starting_values():
    for make in MAKERS.values():
        assert make(seed=3).to_model() == make(seed=3).to_model()
        assert make(seed=3).to_model() != make(seed=4).to_model()
    before = torch.random.get_rng_state()
    training.TrainablePLRNN(4, seed=9)
    assert torch.equal(before, torch.random.get_rng_state())


def test_starting_values_are_those_of_the_literature():
    rng = np.random.default_rng(0)
    matrix = training.normalized_positive_definite(6, rng)
    eigenvalues = np.linalg.eigvalsh(matrix)
    assert eigenvalues[-1] == pytest.approx(1.0, abs=1e-12)
    assert eigenvalues[0] > 0.0
    module = training.TrainablePLRNN(6)
    whole = torch.diag(module.A) + module.W
    assert np.linalg.eigvalsh(whole.detach().numpy())[-1] == pytest.approx(1.0, abs=1e-12)
    assert torch.equal(torch.diag(module.W), torch.zeros(6, dtype=torch.float64))
    shallow = training.TrainableShallowPLRNN(3, 100)
    assert float(shallow.W1.detach().abs().max()) <= 0.1
    assert float(shallow.h2.detach().abs().max()) == 0.0
    assert float(training.TrainableClippedShallowPLRNN(3, 9).h2.detach().abs().max()) > 0.0
    thresholds = training.TrainableDendriticPLRNN(3, 50, threshold_range=(1.0, 2.0)).thresholds
    assert 1.0 <= float(thresholds.detach().min()) < float(thresholds.detach().max()) <= 2.0
    weights = training.kaiming_normal((400, 50), rng)
    assert weights.std() == pytest.approx(0.2, rel=0.02)
    assert np.abs(training.glorot_uniform((4, 2), rng)).max() <= 1.0


def test_a_batch_of_states_of_any_shape_is_mapped_state_by_state():
    for name in FAMILIES:
        module = network(name)
        z = drawn(2, 4, 3)
        together = module(z)
        for i in range(2):
            for j in range(4):
                assert torch.allclose(together[i, j], module(z[i, j]), rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: training.TrainablePLRNN(0), ValueError, "n_states must be between 1"),
        (lambda: training.TrainablePLRNN(2.5), TypeError, "n_states must be an integer"),
        (lambda: training.TrainablePLRNN(2, dtype=torch.int64), TypeError, "dtype must be"),
        (lambda: training.TrainablePLRNN(2, n_inputs=-1), ValueError, "n_inputs must be"),
        (lambda: training.TrainableALRNN(2, 3), ValueError, "n_relu must be between 0 and 2"),
        (lambda: training.TrainableShallowPLRNN(2, 0), ValueError, "n_units must be"),
        (
            lambda: training.TrainableDendriticPLRNN(2, 3, threshold_range=(1, 0)),
            ValueError,
            "threshold_range must be finite and ascending",
        ),
        (
            lambda: training.TrainableDendriticPLRNN(2, 3, threshold_range=3),
            TypeError,
            "threshold_range must be two numbers",
        ),
        (
            lambda: training.TrainablePLRNN.from_model(network("shallow").to_model()),
            TypeError,
            "model must be a PLRNN, got ShallowPLRNN",
        ),
        (
            lambda: training.to_trainable(rd.ReLURNN([[1.0]], [0.0])),
            TypeError,
            "model must be one of PLRNN",
        ),
        (
            lambda: training.TrainablePLRNN(2)(drawn(2), drawn(1)),
            ValueError,
            "this network has no inputs",
        ),
        (
            lambda: training.TrainablePLRNN(2).to_model([1.0]),
            ValueError,
            "this network has no inputs",
        ),
        (
            lambda: rd.from_torch(training.TrainablePLRNN(2), kind="gru"),
            TypeError,
            "kind is for a state_dict only",
        ),
    ],
)
def test_messages_name_the_argument(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.programs
def test_without_torch_the_message_says_what_to_install():
    code = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "import rnndyn\n"
        "assert 'torch' not in sys.modules\n"
        "import rnndyn.training\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingPackageError: rnndyn.training needs torch, which is not installed" in last
    assert 'pip install "rnndyn[torch]"' in last
