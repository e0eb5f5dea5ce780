"""The diagram over one named parameter."""

import numpy as np
import pytest

import rnndyn as rd
from reference.networks import FAMILIES, SeededEntries, Size


def tent():
    return rd.PLRNN(A=[[0.5]], W=[[-2.5]], h=[1.0])


def test_the_axis_is_the_parameter():
    # Slopes 0.5 and b = W + 0.5: the fixed point on the right flips at b = -1.
    diagram = rd.bifurcation_diagram(tent(), "W[0,0]", [-1.0, -1.2, -4.0], max_order=1)
    (event,) = diagram.events
    assert diagram.axis == "W[0,0]"
    assert event.value == pytest.approx(-1.5, abs=1e-12)
    assert event.axis == "W[0,0]"
    assert event.epoch is None
    assert diagram.s_at(-1.5) == pytest.approx(event.s, abs=1e-12)
    assert diagram.value_at(event.s) == event.value
    assert diagram.model_at(1.0) == tent().with_parameters({"W[0,0]": -1.2})
    with pytest.raises(ValueError, match=r"leads over W\[0,0\] = -1 to -4, got 3"):
        diagram.s_at(3)


def test_more_values_change_nothing():
    model = rd.examples.load("plrnn-2d-16")
    values = model.get_parameter("A[0,0]") + np.array([-0.2, 0.2])
    few = rd.bifurcation_diagram(model, "A[0,0]", values, max_order=2, progress=False)
    many = rd.bifurcation_diagram(
        model, "A[0,0]", np.linspace(*values, 8), max_order=2, progress=False
    )
    assert few.events.kinds == many.events.kinds
    np.testing.assert_allclose(
        few.value_at(few.events.s), many.value_at(many.events.s), rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_every_number_of_every_family_can_be_the_parameter(family):
    model = FAMILIES[family](SeededEntries(np.random.default_rng(2), tied=False), Size(2, 3))
    for name in model.scalar_names():
        value = model.get_parameter(name)
        diagram = rd.bifurcation_diagram(
            model, name, (value - 0.5, value + 0.5), max_order=1, progress=False
        )
        assert diagram.gaps == ()
        middle = rd.find_fixed_points(model, progress=False)
        found = diagram.at(0.5)
        assert len(found) == len(middle)
        for own, expected in zip(
            sorted(found, key=lambda c: c.points.tolist()),
            sorted(middle, key=lambda c: c.points.tolist()),
            strict=True,
        ):
            np.testing.assert_allclose(own.points, expected.points, rtol=1e-9, atol=1e-9)


class SquaredSlope(rd.PiecewiseLinearModel):
    """x -> c^2 relu(x) + 1, which is not linear in c."""

    c = rd.models._declarations.Parameter(("M",))

    def __init__(self, c):
        super().__init__(c=c)

    def _canonical_form(self):
        return rd.models._canonical.CanonicalForm(
            np.zeros((1, 1)), np.diag(self.c**2), np.eye(1), np.ones(1), np.zeros(1)
        )


def test_a_family_that_is_not_linear_in_the_parameter_is_refused():
    with pytest.raises(ValueError, match=r"SquaredSlope is not linear in c\[0\]; give the path"):
        rd.bifurcation_diagram(SquaredSlope([0.5]), "c[0]", (0.5, 1.5), max_order=1)
    # As a curve it is cut into pieces: the fixed point 1 / (1 - c^2) is at infinity for c = 1.
    result = rd.continue_cycles(
        path=lambda t: SquaredSlope([0.5 + t]), max_order=1, tolerance=1e-6, progress=False
    )
    (event,) = result.events.of_kind("degenerate_transcritical")
    assert event.value == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize(
    ("parameter", "values", "error", "message"),
    [
        ("B[0,0]", (0, 1), ValueError, "PLRNN has no parameter 'B"),
        ("A", (0, 1), ValueError, "does not name one number"),
        (3, (0, 1), TypeError, "parameter name must be a str"),
        ("A[0,0]", (1,), ValueError, "at least two numbers"),
        ("A[0,0]", 1.0, ValueError, "at least two numbers"),
        ("A[0,0]", (0, np.nan), ValueError, "values must be finite"),
        ("A[0,0]", (0, 1, 0.5), ValueError, "ascend or descend"),
        ("A[0,0]", (1, 1), ValueError, "ascend or descend"),
        ("A[0,0]", ("a", "b"), TypeError, "values must hold real numbers"),
    ],
)
def test_bad_arguments(parameter, values, error, message):
    with pytest.raises(error, match=message):
        rd.bifurcation_diagram(tent(), parameter, values, max_order=1)


def test_other_models_are_refused():
    with pytest.raises(TypeError, match="model must be a model of rnndyn"):
        rd.bifurcation_diagram(3, "A[0,0]", (0, 1), max_order=1)
