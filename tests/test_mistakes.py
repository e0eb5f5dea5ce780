"""The commonest mistakes, each answered in one sentence that says what to change; and what is no
mistake: whatever holds the right numbers is taken."""

import re

import numpy as np
import pytest

import rnndyn as rd

TENT = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
SHALLOW = {
    "A": [0.5, 0.5],
    "W1": np.ones((2, 5)),
    "W2": np.ones((5, 2)),
    "h1": np.zeros(2),
    "h2": np.ones(5),
}
GRU = rd.GRU(np.ones((6, 3)), np.zeros((6, 2)))
RELU = rd.RNN([[1.0]], [[-2.0]], nonlinearity="relu")


def shallow(**changes):
    return rd.ShallowPLRNN(**{**SHALLOW, **changes})


def torch_module(torch):
    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = torch.nn.LSTM(2, 3)
            self.readout = torch.nn.Linear(3, 1)

    return Own()


#: What somebody does, the type of the error, and what the answer must say.
MISTAKES = {
    "a weight transposed": (
        lambda: shallow(W1=np.ones((5, 2))),
        ValueError,
        r"W1 must have shape \(M, H\) with M = 2 \(set by A\), got \(5, 2\)",
    ),
    "a bias as a column": (
        lambda: rd.PLRNN([0.5, 0.5], np.zeros((2, 2)), np.ones((2, 1))),
        ValueError,
        r"h must have shape \(M,\) with M = 2 \(set by A\), got \(2, 1\)",
    ),
    "weights of another size": (
        lambda: rd.PLRNN([0.5, 0.5], np.zeros((3, 3)), [1.0, 1.0]),
        ValueError,
        r"W must have shape \(M, M\) with M = 2",
    ),
    "NaN in a trained weight": (
        lambda: rd.PLRNN([0.5], [[np.nan]], [1.0]),
        ValueError,
        r"W must be finite, got nan at W\[0,0\]",
    ),
    "a text for a number": (
        lambda: rd.PLRNN([0.5], [["-1"]], [1.0]),
        TypeError,
        "W must hold real numbers, got list",
    ),
    "complex weights": (
        lambda: rd.PLRNN([0.5], [[1j]], [1.0]),
        TypeError,
        "W must hold real numbers.*complex",
    ),
    "the path in place of the network": (
        lambda: rd.find_cycles("network.npz", 3),
        TypeError,
        r"got str: give rnndyn.load_model\(path\)",
    ),
    "the cycles in place of the network": (
        lambda: rd.lyapunov_spectrum(rd.find_cycles(TENT, 1)),
        TypeError,
        "got CycleSet: give cycles.model",
    ),
    "the class in place of a model": (
        lambda: rd.find_cycles(rd.PLRNN, 3),
        TypeError,
        "it is the class itself",
    ),
    "a matrix in place of the network": (
        lambda: rd.find_cycles(np.eye(3), 3),
        TypeError,
        r"arrays alone are no network; name the parameters",
    ),
    "several networks": (
        lambda: rd.find_cycles([TENT, TENT], 3),
        TypeError,
        r"got list: give one of them, or all of them to rnndyn.training_timeline",
    ),
    "no order": (lambda: rd.find_cycles(TENT), ValueError, "give either max_order=K"),
    "an order as a float": (
        lambda: rd.find_cycles(TENT, 3.0),
        TypeError,
        r"max_order must be an integer, got 3.0 \(float\)",
    ),
    "one order as a number": (
        lambda: rd.find_cycles(TENT, orders=5),
        TypeError,
        r"orders must be a list of integers such as \[5\]",
    ),
    "a time limit as a text": (
        lambda: rd.find_cycles(TENT, 3, time_limit="1"),
        TypeError,
        r"time_limit must be a number of seconds, got '1' \(str\)",
    ),
    "an input that changes, for fixed points": (
        lambda: rd.find_fixed_points(GRU, np.zeros((8, 100, 3))),
        ValueError,
        "inputs must be constant.*choose a constant one",
    ),
    "inputs with the features first": (
        lambda: rd.lyapunov_spectrum(GRU, np.zeros((3, 100))),
        ValueError,
        r"inputs must have shape .* with K = 3.*got \(3, 100\)",
    ),
    "states of another size": (
        lambda: GRU.step(np.zeros(3)),
        ValueError,
        r"states must have shape \(N,\) or \(..., N\) with N = 2, got \(3,\)",
    ),
    "a name of a parameter that there is not": (
        lambda: rd.bifurcation_diagram(TENT, "w[0,0]", (0.0, 1.0), max_order=1),
        ValueError,
        r"PLRNN has no parameter.*valid names: .*W\[i,j\]",
    ),
    "one value instead of an interval": (
        lambda: rd.bifurcation_diagram(TENT, "W[0,0]", 0.5, max_order=1),
        ValueError,
        r"values must be at least two numbers such as \(0.5, 1.5\)",
    ),
    "a smooth network where only linear regions help": (
        lambda: rd.basins(GRU),
        TypeError,
        "model must be piecewise linear",
    ),
    "a number in place of a file": (
        lambda: rd.load_model(3),
        TypeError,
        r"path must be the name of a file, such as 'network.npz', got 3 \(int\)",
    ),
    "a number to save to": (
        lambda: rd.find_cycles(TENT, 1).save(3),
        TypeError,
        "path must be the name of a file",
    ),
    "a cycle by a name": (
        lambda: rd.find_cycles(TENT, 1)["a"],
        TypeError,
        r"cycles are taken by their number.*got 'a'.*of_order\(k\)",
    ),
    "a cycle by a fraction": (
        lambda: rd.find_cycles(TENT, 1)[1.5],
        TypeError,
        "cycles are taken by their number.*got 1.5",
    ),
    "an export to the name of a saved file": (
        lambda: rd.find_cycles(TENT, 1).to_json("x.npz"),
        ValueError,
        r"cannot export to x.npz: to_json writes .json; use save\(path\) for .npz",
    ),
    "a state dict of an RNN, which does not say its units": (
        lambda: rd.find_cycles({"weight_ih_l0": [[1.0]], "weight_hh_l0": np.eye(1)}, 1),
        ValueError,
        r"does not say whether its units are tanh or relu.*kind='rnn_relu'",
    ),
    "a number as input": (
        lambda: rd.find_fixed_points(rd.RNN([[1.0]], [[2.0]]), inputs=0.5),
        ValueError,
        r"inputs must have shape .* with K = 1, got a number: write it as \[0.5\]",
    ),
    "a file in place of an array": (
        lambda: rd.find_fixed_points(GRU, inputs="resting.npy"),
        TypeError,
        r"inputs must hold real numbers, got 'resting.npy': .* such as with numpy.load\(path\)",
    ),
    "a radius below 0": (
        lambda: rd.find_cycles(TENT, 1, box=-3),
        ValueError,
        "box, a radius, must be positive, got -3",
    ),
    "a pair of bounds for each state": (
        lambda: rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), 1, box=np.array([[-1, 1], [-2, 2]])),
        ValueError,
        r"for a pair of bounds for each state give \(pairs\[:, 0\], pairs\[:, 1\]\)",
    ),
    "a state where a box is meant, as a list": (
        lambda: rd.region_graph(rd.examples.lozi_map(1.7, 0.5), box=1.0, start=[0.1, 0.1]),
        ValueError,
        r"for states write start=numpy.array\(states\)",
    ),
    "an entry named as of nested lists": (
        lambda: rd.bifurcation_diagram(GRU, "weight_hh_l0[0][1]", (0.0, 1.0), max_order=1),
        ValueError,
        r"'weight_hh_l0\[0\]\[1\]' is written weight_hh_l0\[0,1\]",
    ),
    "a whole weight of torch for one entry": (
        lambda: rd.bifurcation_diagram(RELU, "weight_hh_l0", (0.0, 1.0), max_order=1),
        ValueError,
        r"weight_hh_l0 does not name one number.*write weight_hh_l0\[i,j\]",
    ),
    "states in the layout of torch": (
        lambda: rd.lyapunov_spectrum(rd.LSTM(None, np.zeros((8, 2))), z0=np.zeros((1, 5, 2))),
        ValueError,
        r"z0 must have shape .*got \(1, 5, 2\): states in the layout of torch.* by join_states",
    ),
    "weights in a tuple": (
        lambda: rd.find_cycles((np.eye(2), np.eye(2)), 1),
        TypeError,
        "got tuple: arrays alone are no network; name the parameters",
    ),
    "a function in place of a map": (
        lambda: rd.lyapunov_spectrum(np.tanh),
        TypeError,
        r"give rnndyn.DifferentiableMap\(step, jacobian, n_states\)",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_common_mistake_is_answered_in_one_sentence(name):
    call, kind, message = MISTAKES[name]
    with pytest.raises(kind, match=message) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    # One sentence: no full stop but in names, numbers and code.
    assert not re.search(r"\.\s+[A-Z]", text)
    assert type(caught.value) is kind
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_module_that_holds_a_network_is_answered_by_its_part():
    torch = pytest.importorskip("torch")
    own = torch_module(torch)
    with pytest.raises(TypeError, match=r"model cannot be taken: .*got Own: give .* module.rnn$"):
        rd.find_fixed_points(own)
    with pytest.raises(
        TypeError, match=r"it contains none of these; give its state_dict\(\) if.*DifferentiableMap"
    ):
        rd.lyapunov_spectrum(torch.nn.Linear(2, 2))
    assert rd.lyapunov_spectrum(own.rnn, n_steps=10).n_states == 6


def test_batch_first_only_orders_the_axes_of_torch():
    torch = pytest.importorskip("torch")
    module = torch.nn.GRU(3, 2, batch_first=True)
    batch = torch.randn(4, 50, 3)
    spectrum = rd.lyapunov_spectrum(module, batch)
    assert spectrum.n_sequences == 4
    assert spectrum == rd.lyapunov_spectrum(rd.from_torch(module), batch.numpy())


class TestWhateverHoldsNumbers:
    W = np.array([[0.0, -0.5], [0.25, 0.0]])

    def model(self, W):
        return rd.PLRNN([0.5, 0.75], W, [1.0, 2.0])

    def same(self, W, h=(1.0, 2.0)):
        assert rd.PLRNN([0.5, 0.75], W, h) == self.model(self.W)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, ">f8"])
    def test_other_floats(self, dtype):
        self.same(self.W.astype(dtype))

    def test_tensors(self):
        torch = pytest.importorskip("torch")
        tensor = torch.tensor(self.W)
        self.same(tensor.requires_grad_())
        self.same(torch.nn.Parameter(tensor.detach()).to(torch.bfloat16))
        self.same(tensor.half())
        self.same(tensor.detach().to_sparse())
        self.same(list(tensor), (torch.tensor(1.0, requires_grad=True), 2.0))
        model = self.model(self.W)
        state = torch.tensor([0.5, -1.0], requires_grad=True)
        assert np.array_equal(model.step(state), model.step([0.5, -1.0]))
        assert np.array_equal(model.region(state), model.region([0.5, -1.0]))
        with pytest.raises(ValueError, match="W must have values, got a tensor on the device"):
            self.model(tensor.to("meta"))

    def test_frames(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(self.W, index=["a", "b"], columns=["x", "y"])
        self.same(frame, pandas.Series([1.0, 2.0]))
        self.same(frame.astype("Float64"), pandas.Series([1, 2], dtype="Int64"))
        with pytest.raises(TypeError, match=r"W must hold real numbers.*columns unit are none"):
            self.same(frame.assign(unit=["one", "two"]))
        frame = frame.astype("Float64")
        frame.iloc[1, 0] = pandas.NA
        with pytest.raises(ValueError, match=r"W must be finite, got nan at W\[1,0\]"):
            self.same(frame)

    def test_sparse_matrices(self):
        sparse = pytest.importorskip("scipy.sparse")
        self.same(sparse.csr_matrix(self.W))
        self.same(sparse.coo_array(self.W))


class TestAnyModel:
    """Every function takes a module of torch or its arrays by name."""

    def test_torch_modules(self, tmp_path):
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)
        module = torch.nn.RNN(1, 2, nonlinearity="relu")
        linear = rd.from_torch(module).as_piecewise_linear()
        grid = np.linspace(-1.0, 1.0, 5)
        assert rd.find_cycles(module, 2) == rd.find_cycles(linear, 2)
        assert rd.basins(module, grid, grid) == rd.basins(linear, grid, grid)
        assert rd.solve_cycle(module, [True, True]) == rd.solve_cycle(linear, [True, True])
        ours = rd.bifurcation_diagram(module, "W_hh[0,1]", (-1.0, 1.0), max_order=1)
        assert ours == rd.bifurcation_diagram(linear, "W_hh[0,1]", (-1.0, 1.0), max_order=1)
        theirs = rd.bifurcation_diagram(module, "weight_hh_l0[0,1]", (-1.0, 1.0), max_order=1)
        assert theirs.axis == "weight_hh_l0[0,1]"
        assert theirs.path.models == ours.path.models
        axes = ("W_hh[0,1]", [-1.0, 1.0]), ("b[0]", [-1.0, 1.0])
        assert rd.stability_diagram(module, *axes, max_order=1) == rd.stability_diagram(
            linear, *axes, max_order=1
        )
        line = "weight_hh_l0[0,1]", [-0.5, 0.5]
        assert rd.scan(module, line, n_steps=50) == rd.scan(rd.from_torch(module), line, n_steps=50)
        other = torch.nn.RNN(1, 2, nonlinearity="relu")
        timeline = rd.training_timeline([module, other])
        assert timeline.branch_set.path.models[0] == linear
        cycle = rd.find_cycles(module, 1)[0]
        assert np.array_equal(
            rd.gradient_growth(module, cycle, 3), rd.gradient_growth(linear, cycle, 3)
        )
        rd.save_model(module, tmp_path / "saved.npz")
        assert rd.load_model(tmp_path / "saved.npz") == rd.from_torch(module)

    def test_state_dicts(self):
        gru = {"weight_ih_l0": np.ones((6, 3)), "weight_hh_l0": np.zeros((6, 2))}
        assert rd.lyapunov_spectrum(gru, n_steps=10) == rd.lyapunov_spectrum(GRU, n_steps=10)
        with pytest.warns(rd.io.ImportGuessWarning, match="family PLRNN is guessed"):
            cycles = rd.find_cycles({"A": [[2.0]], "W": [[-4.0]], "h": [1.0]}, 2)
        assert len(cycles) == 3
        with pytest.raises(ValueError, match="arrays by name, is no network that is known"):
            rd.find_cycles({"foo": np.zeros(3)}, 1)
        with pytest.raises(TypeError, match="the names of the arrays in model must be words"):
            rd.find_cycles({1: np.zeros(3)}, 1)

    def test_a_path_names_the_model_that_is_none(self):
        with pytest.raises(TypeError, match=r"^path\[1\] must be a model of rnndyn"):
            rd.continue_cycles(path=[TENT, 3], max_order=1)
        mixed = r"checkpoints\[0\] is a PLRNN and checkpoints\[1\] a RNN"
        with pytest.raises(ValueError, match=mixed):
            rd.training_timeline([TENT, rd.RNN(None, [[1.0]])])

    def test_constant_inputs_of_piecewise_linear_models(self):
        model = rd.PLRNN([0.5], [[-1.0]], [1.0], C=[[2.0]], s=[0.0])
        assert rd.find_cycles(model, 2, inputs=[3.0]) == rd.find_cycles(
            model.with_parameters(s=[3.0]), 2
        )
        with pytest.raises(ValueError, match="this PLRNN has no external input"):
            rd.find_cycles(TENT, 2, inputs=[3.0])


class TestTheShell:
    def test_a_relu_rnn_and_its_constant_input(self, tmp_path, run_command):
        model, inputs = tmp_path / "relu.npz", tmp_path / "x.npy"
        rd.save_model(RELU, model)
        np.save(inputs, [1.0])
        options = [str(model), "--inputs", str(inputs), "-o"]
        cycles, path = tmp_path / "cycles.npz", tmp_path / "path.npz"
        run_command("cycles", *options, str(cycles), "--max-order", "2")
        assert rd.CycleSet.load(cycles) == rd.find_cycles(RELU, 2, inputs=[1.0])
        run_command("sweep", *options, str(path), "--x", "W_hh[0,0]=-2:0.5:3")
        expected = rd.bifurcation_diagram(
            RELU.as_piecewise_linear([1.0]), "W_hh[0,0]", np.linspace(-2.0, 0.5, 3), max_order=1
        )
        assert rd.BranchSet.load(path) == expected
        scan = tmp_path / "scan.npz"
        axis = ["--x", "W_hh[0,0]=-0.9:0.5:3", "--measure", "max_lyapunov", "--steps", "50"]
        run_command("sweep", *options, str(scan), *axis)
        assert rd.Scan.load(scan).model == RELU.as_piecewise_linear([1.0])

    @pytest.fixture
    def run_command(self, capsys):
        from rnndyn.cli import main

        def run(*words):
            assert main(list(words)) == 0, capsys.readouterr().err

        return run


class TestFigures:
    """What a figure is given in place of a result, or of axes."""

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (
                lambda: rd.plot.state_space(TENT),
                "PLRNN; give the result of rnndyn.find_cycles",
            ),
            (
                lambda: rd.plot.lyapunov(GRU),
                "GRU; give the result of rnndyn.lyapunov_spec",
            ),
            (lambda: rd.plot.multipliers(rd.find_cycles(TENT, 1)[0]), r"such as cycles\[:1\]"),
            (
                lambda: rd.plot.multipliers(rd.find_cycles(TENT, 1), "x"),
                r"ax must be axes of matplotlib, such as pyplot.subplots\(\)\[1\].*, got str",
            ),
        ],
    )
    def test_what_is_no_result_or_no_axes(self, call, message):
        pytest.importorskip("matplotlib")
        with pytest.raises(TypeError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_models_and_results_are_told_apart_in_files(tmp_path):
    rd.find_cycles(TENT, 1).save(tmp_path / "cycles.npz")
    rd.save_model(TENT, tmp_path / "model.npz")
    with pytest.raises(ValueError, match=r"it is a cycle set: use rnndyn.load_result$"):
        rd.load_model(tmp_path / "cycles.npz")
    with pytest.raises(ValueError, match=r"but a model: use rnndyn.load_model$"):
        rd.load_result(tmp_path / "model.npz")


def test_a_name_that_there_is_not_is_followed_by_the_one_that_was_meant():
    with pytest.raises(AttributeError, match="has no attribute 'find_cycle'") as caught:
        rd.find_cycle  # noqa: B018
    # With these Python itself asks: did you mean find_cycles?
    assert (caught.value.name, caught.value.obj) == ("find_cycle", rd)
