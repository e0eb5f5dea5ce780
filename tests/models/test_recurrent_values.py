"""Recurrent networks as values: arguments, names, states, inputs, and what is refused."""

import itertools

import numpy as np
import pytest

from recurrent_cases import N_GATES, assert_is_torch, random_network, states_and_inputs
from rnndyn.cycles import find_fixed_points
from rnndyn.models import GRU, LSTM, RNN

FAMILY_NAMES = tuple(N_GATES)
CLASSES = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
FAMILIES = pytest.mark.parametrize("family", FAMILY_NAMES)


# Arguments ------------------------------------------------------------------------------------


@FAMILIES
def test_an_array_is_one_layer_and_a_list_has_one_entry_per_layer(family):
    rows = 2 * N_GATES[family]
    W, U, b = np.ones((rows, 3)), np.ones((rows, 2)), np.ones(rows)
    one = CLASSES[family](W, U, b, b)
    assert one == CLASSES[family]([W], [U], [b], (b,))
    assert one == CLASSES[family](W.tolist(), U.tolist(), b.tolist(), [b.tolist()])
    assert one == CLASSES[family](W[None], U[None], b[None], b[None])
    assert list(one.parameters) == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    assert (one.n_layers, one.n_inputs, one.hidden_size) == (1, 3, 2)
    three = CLASSES[family]([W, U, U], np.array([U, U, U]), bias_hh=[b, b, b])
    assert (three.n_layers, three.n_inputs, three.hidden_size) == (3, 3, 2)
    assert three.n_states == (12 if family == "LSTM" else 6)
    assert list(three.parameters) == [
        f"{name}_l{layer}" for layer in range(3) for name in ("weight_ih", "weight_hh", "bias_hh")
    ]


@FAMILIES
def test_networks_without_input(family):
    rows = 2 * N_GATES[family]
    U = np.ones((rows, 2))
    free = CLASSES[family](None, U)
    assert free == CLASSES[family](np.zeros((rows, 0)), U)
    assert free == CLASSES[family]([None], [U])
    assert free.n_inputs == 0
    assert list(free.parameters) == ["weight_hh_l0"]
    stacked = CLASSES[family]([None, U], [U, U])
    assert (stacked.n_inputs, stacked.n_layers) == (0, 2)
    assert stacked.step(np.zeros((5, stacked.n_states))).shape == (5, stacked.n_states)


@FAMILIES
def test_every_real_dtype_becomes_float64(family):
    U = np.eye(N_GATES[family], 1)
    for dtype in (np.float32, np.int8, ">f8", np.bool_):
        model = CLASSES[family](None, U.astype(dtype))
        assert model.parameters["weight_hh_l0"].dtype == np.float64
        assert model == CLASSES[family](None, U)


E1, E2, ONE = np.ones((1, 1)), np.ones((2, 2)), np.ones(1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: LSTM(E1, np.ones((5, 3))),
            r"^weight_hh_l0 must have shape \(4 n, n\) with n >= 1 units, got \(5, 3\)$",
        ),
        (
            lambda: LSTM(E1, np.ones((3, 12))),
            r"^weight_hh_l0 must have shape \(4 n, n\) with n >= 1 units, got \(3, 12\)$",
        ),
        (lambda: RNN(E1, np.ones((2, 3))), r"^weight_hh_l0 must have shape \(n, n\) with n >= 1"),
        (lambda: RNN(E1, np.ones(2)), r"^weight_hh_l0 must have shape .* got \(2,\)$"),
        (lambda: RNN(E1, 1.0), r"^weight_hh_l0 must have shape .* got \(\)$"),
        (lambda: RNN(E1, []), r"^weight_hh_l0 must have shape .* got \(0,\)$"),
        (lambda: RNN(E1, np.zeros((0, 0))), r"^weight_hh_l0 must have shape .* got \(0, 0\)$"),
        (lambda: RNN(E1, np.ones((1, 1, 1, 1))), r"^weight_hh_l0 must have .*\(1, 1, 1, 1\)$"),
        (
            lambda: GRU(np.ones((4, 2)), np.ones((6, 2))),
            r"^weight_ih_l0 must have shape \(3 n, K\) with n = 2 \(set by weight_hh_l0\), "
            r"got \(4, 2\)$",
        ),
        (
            lambda: RNN([E1, np.ones((1, 2))], [E1, E1]),
            r"^weight_ih_l1 must have shape \(n, n\) with n = 1 \(set by weight_hh_l0\), "
            r"got \(1, 2\)$",
        ),
        (
            lambda: RNN([E1, E1], [E1, E2]),
            r"^weight_hh_l1 must have shape \(n, n\) with n = 1 \(set by weight_hh_l0\), got",
        ),
        (
            lambda: GRU(None, np.ones((3, 1)), np.ones(4)),
            r"^bias_ih_l0 must have shape \(3 n,\) with n = 1 \(set by weight_hh_l0\), got \(4,\)$",
        ),
        (lambda: RNN(None, E1, None, 1.0), r"^bias_hh_l0 must have shape \(n,\) .* got \(\)$"),
        (
            lambda: RNN([E1, E1, E1], [E1, E1]),
            r"^weight_ih must be a list of 2 arrays, one for each layer of weight_hh, got 3$",
        ),
        (
            lambda: RNN(E1, [E1, E1]),
            r"^weight_ih must be a list of 2 arrays, one for each layer of weight_hh, got one",
        ),
        (
            lambda: RNN(None, [E1, E1]),
            r"^weight_ih must be given for all layers but the first, which may have None: a list "
            r"of 2 arrays",
        ),
        (lambda: RNN([E1, E1], E1), r"^weight_ih must be a list of 1 arrays.* got 2$"),
        (
            lambda: RNN([E1, E1], [E1, E1], ONE),
            r"^bias_ih must be a list of 2 arrays, one for each layer of weight_hh, got one array$",
        ),
        (
            lambda: RNN([E1, None], [E1, E1]),
            r"^weight_ih_l1 is missing: weight_ih is needed for every layer but the first, which",
        ),
        (
            lambda: RNN([E1, E1], [E1, None]),
            r"^weight_hh_l1 is missing: weight_hh is needed for every layer$",
        ),
        (lambda: RNN(E1, None), r"^weight_hh_l0 is missing: weight_hh is needed for every layer$"),
        (
            lambda: RNN([E1, E1], [E1, E1], [None, ONE], [ONE, ONE]),
            r"^bias_ih_l0 is missing: bias_ih is needed for every layer or for none$",
        ),
        (
            lambda: RNN([E1, E1], [E1, [[np.nan]]]),
            r"^weight_hh_l1 must be finite, got nan at weight_hh_l1\[0,0\] \(1 of 1 entries",
        ),
        (lambda: RNN(E1, E1, [np.inf]), r"^bias_ih_l0 must be finite, got inf at bias_ih_l0\[0\]"),
        (lambda: RNN(E1, [[1.0, 2.0], [3.0]]), r"^weight_hh_l0 must be an array of real numbers"),
        (
            lambda: RNN([E1, E1], [E1, [[1.0], [2.0, 3.0]]]),
            r"^weight_hh_l1 must be an array of real numbers",
        ),
        (
            lambda: RNN(E1, np.ma.masked_array(E1, mask=True)),
            r"^weight_hh_l0 must not have masked entries$",
        ),
    ],
)
def test_wrong_values_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: RNN(E1, [[1.0j]]),
            r"^weight_hh_l0 must hold real numbers, got list with dtype complex128$",
        ),
        (lambda: RNN("abc", E1), r"^weight_ih_l0 must hold real numbers, got str with dtype <U3$"),
        (lambda: RNN(E1, E1, {1.0}), r"^bias_ih_l0 must hold real numbers, got set with dtype"),
        (lambda: RNN(E1, E1, ["1"]), r"^bias_ih_l0 must hold real numbers, got list with dtype"),
    ],
)
def test_wrong_kinds_are_refused(build, message):
    with pytest.raises(TypeError, match=message):
        build()


# Names ----------------------------------------------------------------------------------------


@FAMILIES
def test_numbers_have_torchs_names(family):
    model = random_network(family, 2, True)
    value = model.parameters["weight_hh_l1"][1, 2]
    assert model.get_parameter("weight_hh_l1[1,2]") == value
    changed = model.with_parameters({"weight_hh_l1[1,2]": value + 1.0})
    assert changed.get_parameter("weight_hh_l1[1,2]") == value + 1.0
    assert changed != model
    states, inputs = states_and_inputs(model)
    assert not np.array_equal(changed.step(states, inputs), model.step(states, inputs))


@FAMILIES
def test_whole_parameters_can_be_changed_and_taken_away(family):
    model = random_network(family, 1, True)
    free = model.with_parameters(weight_ih_l0=None)
    assert free.n_inputs == 0
    states, _ = states_and_inputs(model)
    np.testing.assert_array_equal(free.step(states), model.step(states))
    halved = model.with_parameters({"bias_hh_l0": 0.5 * model.parameters["bias_hh_l0"]})
    assert halved.parameters["bias_hh_l0"][0] == 0.5 * model.parameters["bias_hh_l0"][0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"^LSTM needs weight_hh_l0, got nothing$"),
        ({"weight_ih_l0": 1.0}, r"^LSTM needs weight_hh_l0, got weight_ih_l0$"),
        ({"weight_hh_l1": 1.0}, r"^LSTM needs weight_hh_l0, got weight_hh_l1$"),
        ({"weight_hh_l0": None}, r"^LSTM needs weight_hh_l0, got nothing$"),
        (
            {"weight_hh_l0": 1.0, "weight_hh_l999999999": 1.0},
            r"^LSTM needs weight_hh_l1, got weight_hh_l0, weight_hh_l999999999$",
        ),
        (
            {"weight_hh_l0": 1.0, "bias_ih_l3": 1.0},
            r"^bias_ih_l3 is there without weight_hh_l3: the layers of this LSTM are 0 to 0$",
        ),
        (
            {"W": 1.0},
            r"^LSTM has no parameter 'W'; its parameters are weight_ih_l0, weight_hh_l0, "
            r"bias_ih_l0, bias_hh_l0, those of further layers with _l1, _l2, \.\.\.$",
        ),
        ({"weight_hh_l00": 1.0}, r"^LSTM has no parameter 'weight_hh_l00'"),
        ({"weight_hr_l0": 1.0}, r"^LSTM has no parameter 'weight_hr_l0'"),
        ({"nonlinearity": "tanh"}, r"^LSTM has no parameter 'nonlinearity'"),
        ({3: 1.0}, r"^LSTM has no parameter 3"),
    ],
)
def test_names_that_make_no_network_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        LSTM.from_parameters(values)


def test_the_names_of_an_rnn_include_its_option():
    with pytest.raises(ValueError, match=r"with _l1, _l2, \.\.\., and nonlinearity$"):
        RNN.from_parameters({"W": 1.0})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "weight_hh_l0",
            r"^weight_hh_l0 does not name one number: weight_hh_l0 has shape \(3, 1\)",
        ),
        ("weight_hh_l0[3,0]", r"^weight_hh_l0\[3,0\] is out of range"),
        ("bias_ih_l0[0,0]", r"^bias_ih_l0\[0,0\] does not name one number"),
        ("weight_hh_l1[0,0]", r"^GRU has no parameter 'weight_hh_l1\[0,0\]'; valid names: weight"),
    ],
)
def test_other_names_of_numbers_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        GRU(None, np.ones((3, 1)), np.ones(3)).get_parameter(name)


def test_equality_is_family_layers_and_every_number():
    model = RNN([E1, E1], [E1, E1])
    assert model == RNN([E1, E1], [E1, E1])
    assert model != RNN([E1, E1], [E1, [[np.nextafter(1.0, 0.0)]]])
    assert model != RNN([None, E1], [E1, E1])
    assert model != RNN([E1, E1], [E1, E1], [[0.0], [0.0]])
    assert model != RNN(E1, E1)
    assert model != RNN([E1, E1], [E1, E1], nonlinearity="relu")
    assert GRU(None, np.ones((3, 1))) != LSTM(None, np.ones((4, 1)))
    with pytest.raises(TypeError, match="unhashable"):
        hash(model)


def test_repr_says_the_sizes():
    assert repr(random_network("LSTM", 2, True)) == "LSTM(n_inputs=3, hidden_size=4, n_layers=2)"


# Steps, orbits and Jacobians ------------------------------------------------------------------


@FAMILIES
def test_leading_axes_of_states_and_inputs_are_broadcast(family):
    model = random_network(family, 2, True)
    states, inputs = states_and_inputs(model)
    all_pairs = model.step(states[:, None], inputs)
    jacobians = model.jacobian(states[:, None], inputs)
    assert all_pairs.shape == (6, 6, model.n_states)
    assert jacobians.shape == (6, 6, model.n_states, model.n_states)
    for i, j in itertools.product(range(6), repeat=2):
        one = model.step(states[i], inputs[j])
        np.testing.assert_allclose(all_pairs[i, j], one, rtol=0, atol=1e-14)
        one = model.jacobian(states[i], inputs[j])
        np.testing.assert_allclose(jacobians[i, j], one, rtol=0, atol=1e-14)
    assert model.step(states[:0], inputs[0]).shape == (0, model.n_states)
    assert model.jacobian(states[:0]).shape == (0, model.n_states, model.n_states)


def test_jacobians_of_many_states_are_those_of_each():
    model = random_network("GRU", 1, True)
    states = np.random.default_rng(0).normal(size=(150, 4))
    together = model.jacobian(states)
    for number in (0, 63, 64, 127, 128, 149):
        np.testing.assert_allclose(together[number], model.jacobian(states[number]), atol=1e-14)


@FAMILIES
def test_no_input_is_the_input_0(family):
    model = random_network(family, 2, False)
    states, _ = states_and_inputs(model)
    zero = np.zeros(3)
    np.testing.assert_array_equal(model.step(states), model.step(states, zero))
    np.testing.assert_array_equal(model.jacobian(states), model.jacobian(states, zero))
    np.testing.assert_array_equal(model.orbit(states, 4), model.orbit(states, 4, zero))


@FAMILIES
def test_an_orbit_is_repeated_steps(family):
    model = random_network(family, 3, True)
    states, _ = states_and_inputs(model)
    inputs = np.random.default_rng(2).normal(size=(6, 5, 3))
    orbit = model.orbit(states, inputs=inputs)
    assert orbit.shape == (6, 6, model.n_states)
    np.testing.assert_array_equal(orbit[:, 0], states)
    for t in range(5):
        following = model.step(orbit[:, t], inputs[:, t])
        np.testing.assert_allclose(orbit[:, t + 1], following, rtol=0, atol=1e-14)
    one = model.orbit(states[0], inputs=inputs)
    assert one.shape == orbit.shape
    np.testing.assert_allclose(one[0], orbit[0], rtol=0, atol=1e-14)
    same = model.orbit(states, inputs=inputs[0], n_steps=5)
    np.testing.assert_allclose(same[0], orbit[0], rtol=0, atol=1e-14)
    np.testing.assert_array_equal(model.orbit(states, 0), states[:, None])
    assert model.orbit(states, inputs=np.zeros((0, 3))).shape == (6, 1, model.n_states)
    assert model.orbit(states[:0], 3).shape == (0, 4, model.n_states)


@FAMILIES
@pytest.mark.parametrize("n_units", [1, 37])
def test_networks_of_any_width_are_those_of_torch(family, n_units):
    # 37 is no multiple of the length of any vector register.
    assert_is_torch(random_network(family, 1, True, n_units=n_units))


@FAMILIES
def test_a_layer_does_not_depend_on_those_above(family):
    model = random_network(family, 3, True)
    states, inputs = states_and_inputs(model)
    width = model.n_states // 3
    blocks = model.jacobian(states, inputs).reshape(6, 3, width, 3, width)
    for above, below in ((0, 1), (0, 2), (1, 2)):
        assert not blocks[:, above, :, below].any()
        assert blocks[:, below, :, above].any()


@FAMILIES
def test_a_constant_input_becomes_a_bias(family):
    for n_layers, bias in itertools.product((1, 2), (True, False)):
        model = random_network(family, n_layers, bias)
        states, inputs = states_and_inputs(model)
        free = model.with_constant_input(inputs[0])
        assert (free.n_inputs, free.n_layers, free.family) == (0, n_layers, family)
        expected = model.step(states, inputs[0])
        np.testing.assert_allclose(free.step(states), expected, rtol=0, atol=1e-14)
    with pytest.raises(ValueError, match=r"^constant_input must have shape \(K,\) with K = 3, got"):
        model.with_constant_input(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"^this .* has no external input that could be constant$"):
        free.with_constant_input([1.0])


@FAMILIES
def test_states_are_joined_and_split_layer_by_layer(family):
    model = random_network(family, 3, True)
    parts = 2 if family == "LSTM" else 1
    h_and_c = [np.arange(12.0 * k).reshape(3, k, 4) + 100.0 * p for p in range(parts) for k in [5]]
    joined = model.join_states(*h_and_c)
    assert joined.shape == (5, model.n_states)
    start = [*h_and_c[0][0, 1], *(h_and_c[1][0, 1] if parts == 2 else []), *h_and_c[0][1, 1]]
    assert joined[1, : len(start)].tolist() == start
    for part, array in zip(model.split_states(joined), h_and_c, strict=True):
        np.testing.assert_array_equal(part, array)
    one = model.join_states(*(array[:, 2] for array in h_and_c))
    np.testing.assert_array_equal(one, joined[2])
    np.testing.assert_array_equal(model.split_states(one)[0], h_and_c[0][:, 2])


def test_wrong_parts_of_states_are_refused():
    lstm, gru = random_network("LSTM", 2, True), random_network("GRU", 2, True)
    h = np.zeros((2, 4))
    with pytest.raises(TypeError, match=r"^a state of this LSTM needs cell states c$"):
        lstm.join_states(h)
    with pytest.raises(TypeError, match=r"^a state of this GRU has no cell states c$"):
        gru.join_states(h, h)
    with pytest.raises(ValueError, match=r"^h must have shape \(L, ..., n\) with L = 2 and n = 4"):
        gru.join_states(h.T)
    with pytest.raises(ValueError, match=r"^c must have the shape of h, \(2, 4\), got \(2, 1, 4\)"):
        lstm.join_states(h, h[:, None])
    with pytest.raises(ValueError, match=r"^states must have shape .* with N = 16, got \(8,\)$"):
        lstm.split_states(np.zeros(8))


BAD_STATES = [
    (np.zeros(5), ValueError, r"must have shape \(N,\) or \(..., N\) with N = 4, got \(5,\)$"),
    (0.0, ValueError, r"must have shape .* with N = 4, got \(\)$"),
    ([np.nan, 0.0, 0.0, 0.0], ValueError, r"must be finite, got nan at \w+\[0\]"),
    (["a"] * 4, TypeError, "must hold real numbers, got list with dtype <U1$"),
    ([[0.0] * 4, [0.0]], ValueError, "must be an array of real numbers"),
    ([1j] * 4, TypeError, "must hold real numbers, got list with dtype complex128$"),
]


@pytest.mark.parametrize(("state", "error", "message"), BAD_STATES)
def test_bad_states_are_refused(state, error, message):
    model = random_network("GRU", 1, True)
    for use in (model.step, model.jacobian, model.split_states):
        with pytest.raises(error, match="^states " + message):
            use(state)
    with pytest.raises(error, match="^z0 " + message):
        model.orbit(state, 3)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (np.zeros(2), ValueError, r"^inputs must have shape \(K,\) or \(..., K\) with K = 3, got"),
        (1.0, ValueError, r"^inputs must have shape .* with K = 3, got \(\)$"),
        ([0.0, np.inf, 0.0], ValueError, r"^inputs must be finite, got inf at inputs\[1\]"),
        (["a"] * 3, TypeError, r"^inputs must hold real numbers"),
    ],
)
def test_bad_inputs_are_refused(inputs, error, message):
    model = random_network("GRU", 1, True)
    for use in (model.step, model.jacobian, lambda z, x: model.orbit(z, 2, x)):
        with pytest.raises(error, match=message):
            use(np.zeros(4), inputs)


def test_inputs_must_fit_states_and_steps():
    model = random_network("GRU", 1, True)
    states = np.zeros((2, 4))
    with pytest.raises(
        ValueError,
        match=r"^the leading axes \(5,\) of inputs \(5, 3\) must fit those of the states \(2, 4\)$",
    ):
        model.step(states, np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"^the leading axes \(5,\) of inputs \(5, 7, 3\) must"):
        model.orbit(states, inputs=np.zeros((5, 7, 3)))
    with pytest.raises(TypeError, match=r"^orbit needs n_steps, or inputs for every step$"):
        model.orbit(states)
    with pytest.raises(
        TypeError, match=r"^inputs of shape \(3,\) are the same at every step: give"
    ):
        model.orbit(states, inputs=np.zeros(3))
    with pytest.raises(
        ValueError, match=r"^n_steps must be the length 7 of inputs \(7, 3\), got 6"
    ):
        model.orbit(states, 6, np.zeros((7, 3)))
    assert model.orbit(states, 7, np.zeros((7, 3))).shape == (2, 8, 4)
    free = model.with_constant_input(np.zeros(3))
    for use in (free.step, free.jacobian, lambda z, x: free.orbit(z, 3, x)):
        with pytest.raises(ValueError, match=r"^this GRU has no external input: leave out inputs$"):
            use(states, np.zeros(3))


@pytest.mark.parametrize(
    ("n_steps", "error", "message"),
    [
        (-1, ValueError, r"^n_steps must be at least 0, got -1$"),
        (2.0, TypeError, r"^n_steps must be a whole number, got 2\.0$"),
        ("3", TypeError, r"^n_steps must be a whole number, got '3'$"),
    ],
)
def test_bad_step_counts_are_refused(n_steps, error, message):
    with pytest.raises(error, match=message):
        random_network("GRU", 1, True).orbit(np.zeros(4), n_steps)


def test_leaving_the_range_of_float64_is_an_error_not_nan():
    model = RNN(None, [[1e100]], nonlinearity="relu")
    with pytest.raises(OverflowError, match=r"at step 4: .* ask for fewer than 4 steps"):
        model.orbit([1.0], 10)
    assert np.isfinite(model.orbit([1.0], 3)).all()
    with pytest.raises(OverflowError, match="at step 2: "):
        model.orbit([[1.0], [1e150]], 10)
    with pytest.raises(OverflowError, match=r"^the next state exceeds"):
        model.step([1e250])


def test_results_may_be_written_to():
    model = random_network("LSTM", 1, True)
    orbit = model.orbit(np.zeros(8), 2)
    expected = orbit.copy()
    orbit[...] = 7.0
    model.step(np.zeros(8))[...] = 7.0
    np.testing.assert_array_equal(model.orbit(np.zeros(8), 2), expected)


def test_states_in_the_layout_of_torch_are_told_apart():
    lstm, gru = random_network("LSTM", 2, True), random_network("GRU", 2, True)
    hint = r": states in the layout of torch, \(layers, ..., units\), become such by join_states$"
    for model in (lstm, gru):
        with pytest.raises(ValueError, match=r"^z0 must have shape .*, got \(2, 7, 4\)" + hint):
            model.orbit(np.zeros((2, 7, 4)), inputs=np.zeros((5, 3)))
        with pytest.raises(ValueError, match=r"^states must have shape .*" + hint):
            find_fixed_points(model, states=np.zeros((2, 7, 4)))
        with pytest.raises(ValueError, match=r"got \(3, 7, 4\)$"):
            model.orbit(np.zeros((3, 7, 4)), inputs=np.zeros((5, 3)))
