"""Steps and derivatives of smooth networks, and their enclosures, against the slow reference."""

from typing import Any

import numpy as np
import pytest

from reference import smooth as reference
from smooth.cases import KINDS, random_network, smooth_map

CASES = [(family, options, n_layers) for family, options in KINDS for n_layers in (1, 2, 3)]
cases = pytest.mark.parametrize(("family", "options", "n_layers"), CASES)


def network(family: str, options: Any, n_layers: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(n_layers)
    model = random_network(family, 3, 2.0, rng, n_layers, **options)
    return model, smooth_map(model), reference.Network.of(model)


def state_of(model: Any, rng: np.random.Generator) -> Any:
    return rng.uniform(-1.0, 1.0, model.n_states)


@cases
def test_step_and_derivative(family: str, options: Any, n_layers: int) -> None:
    model, compiled, plain = network(family, options, n_layers)
    rng = np.random.default_rng(7)
    for _ in range(5):
        z = state_of(model, rng)
        expected = reference.step(plain, [float(v) for v in z], [])
        np.testing.assert_allclose(compiled.step(z), expected, rtol=0, atol=1e-14)
        rows = reference.jacobian(plain, [float(v) for v in z], [])
        np.testing.assert_allclose(compiled.jacobian(z), rows, rtol=0, atol=1e-13)


@cases
def test_enclosures_hold_over_boxes(family: str, options: Any, n_layers: int) -> None:
    model, compiled, plain = network(family, options, n_layers)
    rng = np.random.default_rng(8)
    for radius in (0.0, 1e-9, 1e-3, 0.3):
        z = state_of(model, rng)
        low, high = z - radius, z + radius
        image_low, image_high = compiled.step_bounds(low, high)
        mid, spread = compiled.jacobian_bounds(low, high)
        if radius < 1e-8:
            assert np.max(image_high - image_low) < 100.0 * radius + 1e-13
            assert np.max(spread) < 1e3 * radius + 1e-12
        for _ in range(20):
            inside = rng.choice([low, high, z], size=1)[0]
            inside = rng.uniform(low, high) if radius else inside
            # The plain step is itself off by some rounding errors.
            image = np.array(reference.step(plain, [float(v) for v in inside], []))
            assert np.all(image >= image_low - 1e-15)
            assert np.all(image <= image_high + 1e-15)
            rows = np.array(reference.jacobian(plain, [float(v) for v in inside], []))
            assert np.all(np.abs(rows - mid) <= spread + 1e-14)


@cases
def test_invariant_box_is_mapped_into_its_interior(
    family: str, options: Any, n_layers: int
) -> None:
    model, compiled, _ = network(family, options, n_layers)
    low, high = compiled.invariant_box()
    rng = np.random.default_rng(9)
    for _ in range(200):
        z = np.where(rng.random(model.n_states) < 0.5, low, high)
        image = compiled.step(z)
        assert np.all(image > low)
        assert np.all(image < high)


@pytest.mark.parametrize(("family", "options"), KINDS)
def test_derivative_by_the_input(family: str, options: Any) -> None:
    rng = np.random.default_rng(3)
    model = random_network(family, 3, 1.5, rng, 2, **options)
    weight = rng.normal(size=(model.parameters["weight_hh_l0"].shape[0], 2))
    driven = model.with_parameters(weight_ih_l0=weight)
    x, z = rng.normal(size=2), state_of(model, rng)
    derivative = smooth_map(driven, x).input_jacobian(z, weight)
    for j in range(2):
        side = np.eye(2)[j] * 1e-6
        plus = smooth_map(driven, x + side).step(z)
        minus = smooth_map(driven, x - side).step(z)
        np.testing.assert_allclose(derivative[:, j], (plus - minus) / 2e-6, atol=1e-8)


def test_relu_units_are_refused() -> None:
    import rnndyn as rd

    with pytest.raises(ValueError, match="not smooth"):
        smooth_map(rd.RNN(None, [[0.5]], nonlinearity="relu"))
