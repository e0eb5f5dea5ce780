"""Validation of constructor arguments: every message names argument, expected and given."""

import numpy as np
import pytest

from rnndyn.models import PLRNN, ClippedShallowPLRNN, PiecewiseLinearMap, ReLURNN, ShallowPLRNN

A, W, H = [0.5, 0.9], np.eye(2), [0.4, -1.0]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: PLRNN(np.ones((3, 2)), W, H),
            r"^A must have shape \(M,\) or \(M, M\), got \(3, 2\)$",
        ),
        (lambda: PLRNN(0.5, W, H), r"^A must have shape \(M,\) or \(M, M\), got \(\)$"),
        (
            lambda: PLRNN(np.ones((2, 2, 2)), W, H),
            r"^A must have shape \(M,\) or \(M, M\), got \(2, 2, 2\)$",
        ),
        (
            lambda: PLRNN(A, np.eye(3), H),
            r"^W must have shape \(M, M\) with M = 2 \(set by A\), got \(3, 3\)$",
        ),
        (
            lambda: PLRNN(A, W, [[0.4], [-1.0]]),
            r"^h must have shape \(M,\) with M = 2 \(set by A\), got \(2, 1\)$",
        ),
        (
            lambda: PLRNN(A, W, H, C=[1.0, 2.0], s=[1.0]),
            r"^C must have shape \(M, K\) with M = 2 \(set by A\), got \(2,\)$",
        ),
        (
            lambda: PLRNN(A, W, H, C=[[1.0], [2.0]], s=[1.0, 2.0]),
            r"^s must have shape \(K,\) with K = 1 \(set by C\), got \(2,\)$",
        ),
        (lambda: PLRNN(A, W, H, C=np.ones((2, 0)), s=[]), r"^C must not be empty.*K must be at"),
        (lambda: PLRNN(A, W, H, s=[1.0]), r"^C must be given together with s"),
        (lambda: PLRNN(A, W, H, C=[[1.0], [1.0]]), r"^s must be given together with C"),
        (
            lambda: ReLURNN(np.ones((2, 3)), H),
            r"^W_hh must have shape \(M, M\), got \(2, 3\)$",
        ),
        (
            lambda: ShallowPLRNN(A, np.ones((2, 3)), np.ones((2, 3)), H, np.ones(3)),
            r"^W2 must have shape \(H, M\) with H = 3 \(set by W1\) and M = 2 \(set by A\), got "
            r"\(2, 3\)$",
        ),
        (
            lambda: ShallowPLRNN(A, np.ones((2, 3)), np.ones((3, 2)), H, np.ones(4)),
            r"^h2 must have shape \(H,\) with H = 3 \(set by W1\), got \(4,\)$",
        ),
        (
            lambda: PLRNN([], np.zeros((0, 0)), []),
            r"^A must not be empty, got shape \(0,\): M must",
        ),
        (
            lambda: PLRNN(A, [[1.0, np.nan], [np.nan, 0.0]], H),
            r"^W must be finite, got nan at W\[0,1\] \(2 of 4 entries are not finite\)$",
        ),
        (lambda: PLRNN(A, W, [0.0, -np.inf]), r"^h must be finite, got -inf at h\[1\] \(1 of 2"),
        (lambda: PLRNN(A, [[1.0, 2.0], [1.0]], H), r"^W must be an array of real numbers, got"),
        (
            lambda: PLRNN(np.ma.masked_array([0.5, 0.9], mask=[True, False]), W, H),
            r"^A must not have masked entries$",
        ),
    ],
)
def test_wrong_values_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ([0.5, 0.9j], "list with dtype complex128"),
        (["0.5", "0.9"], "list with dtype <U3"),
        ("0.5", "str with dtype <U3"),
        (None, "NoneType with dtype object"),
        ([0.5, None], "list with dtype object"),
        ({0.5, 0.9}, "set with dtype object"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), r"ndarray with dtype datetime64\[D\]"),
        ([10**400, 1], "list with dtype object"),
    ],
)
def test_wrong_kinds_are_refused(value, given):
    with pytest.raises(TypeError, match=f"^h must hold real numbers, got {given}$"):
        PLRNN(A, W, value)


class NotAnArray:
    """Like a torch tensor that requires gradients."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach() first")


def test_an_object_that_refuses_conversion_says_why():
    with pytest.raises(TypeError, match=r"^h must be an array of real numbers.*call detach"):
        PLRNN(A, W, NotAnArray())


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint64, np.bool_, ">f8"])
def test_every_real_dtype_becomes_float64(dtype):
    values = np.array([[1, 0], [0, 1]]).astype(dtype)
    model = PLRNN(A, values, H)
    assert model.W.dtype == np.float64
    assert model.W.dtype.isnative
    assert model.W.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_memory_order_does_not_matter():
    values = np.arange(9.0).reshape(3, 3)
    h = np.arange(6.0)[::2]
    expected = PLRNN(np.ones(3), values, h.copy())
    assert PLRNN(np.ones(3), np.asfortranarray(values), h) == expected
    assert PLRNN(np.ones(3), values.T.copy().T, h).W.flags.c_contiguous


def test_models_without_hidden_units_are_affine():
    for family in (ShallowPLRNN, ClippedShallowPLRNN, PiecewiseLinearMap):
        model = family([0.5], np.zeros((1, 0)), np.zeros((0, 1)), [1.0], [])
        assert model.n_units == 0
        np.testing.assert_array_equal(model.step([2.0]), [2.0])
