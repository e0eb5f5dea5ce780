"""The compiled core against the reference on thousands of small random systems."""

import numpy as np
import pytest

from draws import drawn
from lyapunov.core_cases import (
    FAMILIES,
    assert_frames_are_orthonormal,
    core_system,
    random_case,
)

N_CASES = drawn(100, 400)


def tolerance(case, expected, rounding, least):
    """What rounding may do to the summed growth of each direction, (B, m); inf if it decides.

    Measured by what random errors of the Jacobians do to the reference when it orthonormalises as
    rarely as the core. Where a direction is annihilated, those that replace it are arbitrary, and
    so is their growth.
    """
    disturbed = case.reference(qr_interval=max(1, case.qr_interval), rounding=rounding)
    growth, other = (record["log_growth"].sum(axis=1) for record in (expected, disturbed))
    allowed = np.full(growth.shape, np.inf)
    for layer in range(expected["layer"].max() + 1):
        frame = expected["layer"] == layer
        alive = (expected["smallest"][:, frame] > 1e-9).all(axis=1)
        rows = np.ix_(alive, frame)
        change = np.abs(growth[rows] - other[rows])
        # An error of one direction is one of the others as well, by chance much smaller.
        allowed[rows] = least + 3.0 * np.maximum.accumulate(change, axis=1)
    return allowed


def assert_agrees(record, expected, allowed):
    for name in ("window_steps", "layer", "diverged_at"):
        np.testing.assert_array_equal(record[name], expected[name])
    assert record["n_steps_done"] == expected["n_steps_done"]
    assert record["stopped_by"] == "finished"
    assert record["log_growth"].shape == expected["log_growth"].shape
    assert not np.isnan(record["log_growth"]).any()
    growth = record["log_growth"].sum(axis=1)
    expected_growth = expected["log_growth"].sum(axis=1)
    # Directions that rounding swallows are tested where the answer is known exactly.
    comparable = allowed < 0.1
    off = np.abs(growth[comparable] - expected_growth[comparable])
    assert (off <= allowed[comparable]).all(), (off, allowed[comparable])


@pytest.mark.parametrize("family", FAMILIES)
def test_growth_states_and_frames_agree_with_the_reference(family):
    tolerances = []
    for number in range(N_CASES):
        case = random_case(family, number)
        expected = case.reference()
        record = case.core()
        # 1e-12 is some thousand roundings. The fast factorisation may lose eps over the smallest
        # remainder that it accepts, 1e-7, of a growth each time.
        allowed = tolerance(case, expected, rounding=1e-12, least=5e-9)
        assert_agrees(record, expected, allowed)
        np.testing.assert_allclose(record["states"], expected["states"], rtol=1e-10, atol=1e-10)
        assert_frames_are_orthonormal(record, 1e-9)
        tolerances.append(allowed.ravel())
    # ReLU networks annihilate directions most of the time.
    assert np.mean(np.concatenate(tolerances) < 6e-9) > (0.15 if family == "rnn_relu" else 0.7)


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "user map"])
def test_single_precision_agrees_with_the_reference(family):
    tolerances = []
    for number in range(N_CASES // 4):
        case = random_case(family, number)
        expected = case.reference()
        record = case.core(single_precision=True)
        assert record["log_growth"].dtype == np.float64
        allowed = tolerance(case, expected, rounding=1e-5, least=1e-3)
        assert_agrees(record, expected, allowed)
        assert_frames_are_orthonormal(record, 5e-3)
        tolerances.append(allowed.ravel())
    assert np.mean(np.concatenate(tolerances) < 2e-3) > (0.15 if family == "rnn_relu" else 0.7)


@pytest.mark.parametrize("family", FAMILIES)
def test_step_and_tangent_are_those_of_the_reference(family):
    for number in range(100):
        case = random_case(family, number)
        rng = np.random.default_rng(number)
        n_batch, n_states = case.states.shape
        inputs = rng.normal(size=(n_batch, case.system.n_inputs))
        compiled = core_system(case.system)
        assert compiled.n_states == n_states
        assert compiled.n_inputs == case.system.n_inputs
        assert list(compiled.layer_sizes) == case.system.layer_sizes
        assert compiled.single_threaded == (family == "user map")
        expected = case.system.step(case.states, inputs)
        np.testing.assert_allclose(
            compiled.step(case.states, inputs), expected, rtol=1e-13, atol=1e-13
        )
        block = rng.normal(size=(n_batch, n_states, int(rng.integers(1, n_states + 2))))
        expected = case.system.jacobian(case.states, inputs) @ block
        np.testing.assert_allclose(
            compiled.tangent(case.states, inputs, block),
            expected,
            rtol=0,
            atol=1e-12 * (1.0 + np.abs(expected).max()),
        )
