"""Names of single numbers in parameters."""

import numpy as np
import pytest

from rnndyn.models import PLRNN, ReLURNN, ShallowPLRNN

VECTOR = PLRNN([0.5, 0.9], [[0.0, -0.6], [0.25, 0.0]], [0.4, -1.0])
MATRIX = VECTOR.with_parameters(A=[[0.5, 0.125], [0.0, 0.9]])


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (VECTOR, "A[1]", 0.9),
        (VECTOR, "A[1,1]", 0.9),
        (MATRIX, "A[0,1]", 0.125),
        (VECTOR, "W[1,0]", 0.25),
        (VECTOR, " W [ 1 , 0 ] ", 0.25),
        (VECTOR, "h[1]", -1.0),
    ],
)
def test_a_name_finds_its_number(model, name, value):
    assert model.get_parameter(name) == value
    assert model.with_parameters({name: 5.0}).get_parameter(name) == 5.0


def test_both_names_of_a_diagonal_entry_set_the_same_number():
    assert VECTOR.with_parameters({"A[1,1]": 3.0}).A.tolist() == [0.5, 3.0]
    assert VECTOR.with_parameters({"A[1,1]": 3.0}) == VECTOR.with_parameters({"A[1]": 3.0})


def test_names_of_a_shallow_network():
    model = ShallowPLRNN(
        [0.1, 0.2], np.arange(6.0).reshape(2, 3), np.zeros((3, 2)), [7.0, 8.0], [1.0, 2.0, 3.0]
    )
    assert model.get_parameter("W1[1,2]") == 5.0
    assert model.get_parameter("h2[2]") == 3.0
    assert model.scalar_names()[:4] == ("A[0]", "A[1]", "W1[0,0]", "W1[0,1]")


VALID = r"valid names: A\[i\] \(i < 2\), W\[i,j\] \(i < 2, j < 2\), h\[i\] \(i < 2\)$"


@pytest.mark.parametrize(
    ("model", "name", "message"),
    [
        (
            VECTOR,
            "A[0,1]",
            r"^A\[0,1\] is not a parameter: A was given as a vector.*give A as a matrix",
        ),
        (MATRIX, "A[0]", r"^A\[0\] does not name one number: A has shape \(2, 2\); write A\[i,j\]"),
        (VECTOR, "A", r"^A does not name one number: A has shape \(2,\); write A\[i\] \(i < 2\)"),
        (VECTOR, "h[0,0]", r"^h\[0,0\] does not name one number"),
        (VECTOR, "W[0]", r"^W\[0\] does not name one number"),
        (VECTOR, "W[0,0,0]", r"^W\[0,0,0\] does not name one number"),
        (VECTOR, "h[2]", r"^h\[2\] is out of range: h has shape \(2,\) and indices count from 0"),
        (VECTOR, "A[2,2]", r"^A\[2,2\] is out of range"),
        (VECTOR, "W[0,2]", r"^W\[0,2\] is out of range"),
        (VECTOR, "W1[0,0]", r"^PLRNN has no parameter 'W1\[0,0\]'; " + VALID),
        (VECTOR, "C[0,0]", r"^PLRNN has no parameter 'C\[0,0\]'; " + VALID),
        (VECTOR, "h[-1]", VALID),
        (VECTOR, "h[0.0]", VALID),
        (VECTOR, "h[]", VALID),
        (VECTOR, "h[0", VALID),
        (VECTOR, "h[0]]", VALID),
        (VECTOR, "W[0,]", VALID),
        (VECTOR, "h[0 1]", VALID),
        (VECTOR, "", VALID),
        (VECTOR, "h[²]", VALID),
        (VECTOR, "a[0]", VALID),
    ],
)
def test_other_names_are_refused(model, name, message):
    for use in (model.get_parameter, lambda name: model.with_parameters({name: 1.0})):
        if name == "A" and use != model.get_parameter:
            continue  # There "A" means the whole parameter.
        with pytest.raises(ValueError, match=message):
            use(name)


@pytest.mark.parametrize("name", [3, None, ("h", 0)])
def test_a_name_is_a_str(name):
    with pytest.raises(TypeError, match=r"^a parameter name must be a str, got"):
        VECTOR.get_parameter(name)
    with pytest.raises(TypeError, match=r"^a parameter name must be a str, got"):
        VECTOR.with_parameters({name: 1.0})


def test_a_square_matrix_that_is_no_diagonal_has_no_short_names():
    with pytest.raises(ValueError, match=r"^W_hh\[0\] does not name one number"):
        ReLURNN(np.eye(2), [0.0, 0.0]).get_parameter("W_hh[0]")
