"""Models are values: immutable, comparable, copyable, and changed only by making new ones."""

import copy
import pickle

import numpy as np
import pytest

import rnndyn.models
from model_cases import ARGUMENTS, draws, random_model
from rnndyn.models import (
    ALRNN,
    FAMILIES,
    GRU,
    LSTM,
    PIECEWISE_LINEAR_FAMILIES,
    PLRNN,
    RNN,
    DendriticPLRNN,
    DifferentiableMap,
    Model,
    PiecewiseLinearModel,
    RecurrentNetwork,
    ShallowPLRNN,
)

FAMILY_NAMES = tuple(FAMILIES)
BASES = (Model, PiecewiseLinearModel, RecurrentNetwork)


def bits(array):
    return array.shape, array.tobytes()


def test_every_family_is_registered_and_has_cases():
    classes = {
        value.__name__: value
        for value in vars(rnndyn.models).values()
        if isinstance(value, type) and issubclass(value, Model) and value not in BASES
    }
    assert classes == dict(FAMILIES)
    others = {"RNN", "GRU", "LSTM", "DeepPLRNN", "PeriodicallyDriven"}
    assert {*FAMILIES} == {*PIECEWISE_LINEAR_FAMILIES, *others}
    assert all(issubclass(f, PiecewiseLinearModel) for f in PIECEWISE_LINEAR_FAMILIES.values())
    assert all(issubclass(family, RecurrentNetwork) for family in (RNN, GRU, LSTM))
    assert set(ARGUMENTS) == set(FAMILIES)
    others = {*BASES, DifferentiableMap}
    assert set(rnndyn.models.__all__) == {
        *FAMILIES,
        *(value.__name__ for value in others),
        "FAMILIES",
        "PIECEWISE_LINEAR_FAMILIES",
        "forced",
        "register_family",
    }
    assert all(name == family.family for name, family in FAMILIES.items())


@pytest.mark.parametrize("family", PIECEWISE_LINEAR_FAMILIES)
def test_parameters_are_those_given(family):
    for draw in draws(12):
        arguments = ARGUMENTS[family](draw)
        model = FAMILIES[family](**arguments)
        assert set(model.parameters) | set(model.options) == set(arguments)
        for name, array in model.parameters.items():
            assert bits(array) == bits(arguments[name])
            assert getattr(model, name) is array
        for name in model.options:
            assert getattr(model, name) == arguments[name]
        assert list(model.parameters) == list(FAMILIES[family](**arguments).parameters)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_pickles_and_copies_are_equal(family):
    for draw in draws(12):
        model = random_model(family, draw)
        for twin in (
            *(pickle.loads(pickle.dumps(model, protocol)) for protocol in (2, 5)),
            copy.copy(model),
            copy.deepcopy(model),
            model.with_parameters(),
            FAMILIES[family].from_parameters({**model.parameters, **model.options}),
        ):
            assert type(twin) is type(model)
            assert twin == model
            assert repr(twin) == repr(model)
            for name, array in model.parameters.items():
                assert bits(twin.parameters[name]) == bits(array)
            if isinstance(model, PiecewiseLinearModel):
                assert bits(twin.canonical.W1) == bits(model.canonical.W1)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_every_named_number_can_be_read_and_changed_alone(family):
    for draw in draws(10):
        model = random_model(family, draw)
        names = model.scalar_names()
        assert len(names) == len(set(names)) == sum(a.size for a in model.parameters.values())
        flat = np.concatenate([array.ravel() for array in model.parameters.values()])
        assert [model.get_parameter(name) for name in names] == flat.tolist()
        for number in {0, len(names) // 2, len(names) - 1}:
            changed = model.with_parameters({names[number]: 12.5})
            expected = flat.copy()
            expected[number] = 12.5
            after = np.concatenate([array.ravel() for array in changed.parameters.values()])
            assert after.tolist() == expected.tolist()
            assert changed != model
            assert changed.options == model.options
        assert np.concatenate([a.ravel() for a in model.parameters.values()]).tolist() == (
            flat.tolist()
        )


def test_changing_a_number_changes_the_map():
    model = PLRNN([0.5, 0.9], [[0.0, -0.6], [0.5, 0.0]], [0.4, -1.0])
    changed = model.with_parameters({"A[0]": 1.0, "W[1,0]": 2.0, "h[1]": 0.0})
    np.testing.assert_array_equal(changed.step([1.0, 0.0]), [1.4, 2.0])
    np.testing.assert_array_equal(model.step([1.0, 0.0]), [0.9, -0.5])


def test_whole_parameters_are_set_before_single_numbers():
    model = PLRNN([0.5, 0.9], np.eye(2), [0.4, -1.0])
    changed = model.with_parameters({"A[0,1]": 7.0, "h[0]": 3.0}, A=np.zeros((2, 2)))
    assert changed.A.tolist() == [[0.0, 7.0], [0.0, 0.0]]
    assert changed.h.tolist() == [3.0, -1.0]


def test_options_and_external_input_can_be_changed():
    model = ALRNN([0.5, 0.9], np.eye(2), [0.4, -1.0], n_relu=1)
    assert model.with_parameters(n_relu=2).n_units == 2
    driven = model.with_parameters(C=[[1.0], [2.0]], s=[3.0])
    np.testing.assert_array_equal(driven.step([0.0, 0.0]), [3.4, 5.0])
    np.testing.assert_array_equal(
        driven.with_parameters({"s[0]": 0.0}).step([0.0, 0.0]), [0.4, -1.0]
    )
    assert driven.with_parameters(C=None, s=None) == model
    assert model.C is None
    assert model.s is None
    assert "C" not in model.parameters


@pytest.mark.parametrize(
    ("changes", "keywords", "message"),
    [
        ({"Q": 1.0}, {}, r"^PLRNN has no parameter 'Q'; valid names: A\[i\] \(i < 2\), W\[i,j\]"),
        ({}, {"Q": [1.0]}, r"^PLRNN has no parameter 'Q'; valid names: A\[i\] \(i < 2\)"),
        ({"h": [1.0, 1.0]}, {"h": [0.0, 0.0]}, r"^h is given twice$"),
        ({"A[0]": 1.0, "A[0,0]": 1.0}, {}, r"^A\[0\] and A\[0,0\] are the same number$"),
        ({"A[0]": [1.0]}, {}, r"^A\[0\] must be one number, got shape \(1,\)$"),
        ({"A[0]": np.nan}, {}, r"^A\[0\] must be finite, got nan at A\[0\]"),
        ({}, {"W": np.eye(3)}, r"^W must have shape \(M, M\) with M = 2 \(set by A\), got"),
        ({}, {"C": [[1.0], [1.0]]}, r"^s must be given together with C"),
        ({}, {"s": [1.0]}, r"^C must be given together with s"),
    ],
)
def test_bad_changes_are_refused(changes, keywords, message):
    model = PLRNN([0.5, 0.9], np.eye(2), [0.4, -1.0])
    with pytest.raises(ValueError, match=message):
        model.with_parameters(changes, **keywords)


def test_only_optional_parameters_can_be_taken_away():
    with pytest.raises(TypeError, match=r"^W must hold real numbers, got NoneType"):
        PLRNN([0.5, 0.9], np.eye(2), [0.4, -1.0]).with_parameters(W=None)


def test_from_parameters_names_what_is_missing_or_unknown():
    with pytest.raises(ValueError, match=r"^ALRNN needs W, n_relu, got A, h$"):
        ALRNN.from_parameters({"A": [1.0], "h": [1.0]})
    with pytest.raises(
        ValueError,
        match=r"^ALRNN has no parameter 'W1'; its parameters are A, W, h, C, s, n_relu$",
    ):
        ALRNN.from_parameters({"A": [1.0], "W1": [[1.0]]})
    assert not DendriticPLRNN.from_parameters(
        {"A": [1.0], "W": [[1.0]], "h": [1.0], "alpha": [1.0], "thresholds": [[1.0]]}
    ).clipped


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_nothing_can_be_changed(family):
    arguments = ARGUMENTS[family](next(draws(1)))
    model = FAMILIES[family](**arguments)
    before = pickle.dumps(model)
    for name, array in model.parameters.items():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
        with pytest.raises(AttributeError, match=f"immutable.*with_parameters\\({name}="):
            setattr(model, name, array)
        with pytest.raises(AttributeError, match="immutable"):
            delattr(model, name)
    for argument in arguments.values():
        for array in argument if isinstance(argument, list) else [argument]:
            if isinstance(array, np.ndarray):
                array[...] = 99.0
    with pytest.raises(AttributeError, match="immutable"):
        model.something_new = 1
    model.parameters.clear()
    model.options.clear()
    assert pickle.dumps(model) == before


def test_equality_is_family_options_and_every_number():
    A, W, h = [0.5, 0.9], np.eye(2), [0.4, -1.0]
    model = PLRNN(A, W, h)
    assert model == PLRNN(np.array(A), W.tolist(), tuple(h))
    assert model != PLRNN(A, W, [0.4, -1.0 + 1e-16]) or np.float64(-1.0 + 1e-16) == -1.0
    assert model != PLRNN(A, W, [0.4, np.nextafter(-1.0, 0.0)])
    assert model != PLRNN(np.diag(A), W, h)
    assert model != PLRNN(A, W, h, C=[[0.0], [0.0]], s=[0.0])
    assert model != ALRNN(A, W, h, n_relu=2)
    assert ALRNN(A, W, h, n_relu=2) != ALRNN(A, W, h, n_relu=1)
    assert model != "PLRNN"
    with pytest.raises(TypeError, match="unhashable"):
        hash(model)


def test_form_of_a_is_remembered():
    vector = PLRNN([0.5, 0.9], np.eye(2), [0.0, 0.0])
    matrix = PLRNN(np.diag([0.5, 0.9]), np.eye(2), [0.0, 0.0])
    assert vector.A.shape == (2,)
    assert matrix.A.shape == (2, 2)
    np.testing.assert_array_equal(vector.canonical.A, matrix.canonical.A)


@pytest.mark.parametrize("family", PIECEWISE_LINEAR_FAMILIES)
def test_repr_names_family_and_size(family):
    for draw in draws(4):
        model = random_model(family, draw)
        start = f"{family}(n_states={draw.n_states}, n_units={model.canonical.n_units}"
        assert repr(model) in (f"{start})", f"{start}, clipped=True)")


def test_parameters_whose_canonical_form_overflows_are_refused():
    with pytest.raises(
        ValueError, match=r"^the parameters of this ShallowPLRNN are so large.*1e\+200$"
    ):
        ShallowPLRNN([1.0], [[1.0]], [[1.0]], [1.0], [1.0], C=[[1e200]], s=[1e200])
