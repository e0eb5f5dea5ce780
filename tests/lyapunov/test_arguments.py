"""What `lyapunov_spectrum` takes, what it refuses, and what it hands to the core."""

import pickle

import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import CtrlC
from rnndyn import _core
from rnndyn.lyapunov._arguments import check_steps, n_samples_at_most, window_length

K, N = 2, 3


@pytest.fixture
def network():
    """A GRU with 2 inputs, 3 units and 2 layers, so 6 states."""
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(3 * N, size)) for size in (K, N)]
    return rd.GRU(inputs, [rng.normal(size=(3 * N, N)) for _ in range(2)])


@pytest.fixture
def sequences():
    return np.random.default_rng(1).normal(size=(4, 60, K))


@pytest.fixture
def handed_over(monkeypatch):
    """Arguments of every call of the core, by name, while it computes as always."""
    names = ("system", "states", "inputs", "frames", "n_settle", "n_warmup")
    calls = []
    compute = _core.lyapunov_spectrum

    def record(*arguments, **options):
        calls.append({**dict(zip(names, arguments, strict=False)), **options})
        return compute(*arguments, **options)

    monkeypatch.setattr(_core, "lyapunov_spectrum", record)
    return calls


def test_defaults_of_a_free_run(lozi, handed_over):
    spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1])
    (call,) = handed_over
    assert [call[name] for name in ("n_settle", "n_warmup", "n_steps")] == [500, 500, 10_000]
    assert (call["window"], call["qr_interval"], call["n_exponents"]) == (100, 0, 2)
    assert call["inputs"] is None
    assert call["frames"] is None
    assert spectrum.n_steps == 10_000
    assert spectrum.run.options == {
        "inputs": "none",
        "n_steps": 10_000,
        "n_exponents": 2,
        "transient": 1000,
        "qr_interval": "auto",
        "joint": False,
        "warm_start": False,
        "covariant": 0,
        "dtype": "float64",
        "time_limit": None,
    }
    assert spectrum.run.model == {"family": "PLRNN", "n_states": 2, "n_inputs": 0}


def test_defaults_of_a_driven_run(network, sequences, handed_over):
    spectrum = rd.lyapunov_spectrum(network, sequences)
    (call,) = handed_over
    assert [call[name] for name in ("n_settle", "n_warmup", "n_steps")] == [0, 6, 54]
    np.testing.assert_array_equal(call["inputs"], sequences)
    # As in torch, the networks start at 0.
    np.testing.assert_array_equal(call["states"], np.zeros((4, 2 * N)))
    # Every layer has all its vectors.
    assert call["n_exponents"] == N
    assert spectrum.exponents.shape == (4, 2 * N)
    assert spectrum.run.options["inputs"] == "batch"


def test_every_option_reaches_the_core(network, sequences, handed_over):
    start = np.random.default_rng(2).normal(size=(4, 2 * N))
    rd.lyapunov_spectrum(
        network,
        sequences,
        start,
        n_steps=40,
        n_exponents=5,
        transient=7,
        qr_interval=3,
        n_sequences=4,
        joint=True,
        covariant=2,
        dtype=np.float32,
        seed=11,
        n_threads=1,
        time_limit=60,
    )
    (call,) = handed_over
    expected = {
        "n_settle": 0,
        "n_warmup": 7,
        "n_steps": 40,
        "n_exponents": 5,
        "window": 2,
        "qr_interval": 3,
        "joint": True,
        "single_precision": True,
        "n_covariant": 2,
        "seed": 11,
        "n_threads": 1,
        "time_limit": 60.0,
    }
    assert {name: call[name] for name in expected} == expected
    np.testing.assert_array_equal(call["states"], start)


def test_the_ways_to_give_inputs(network, sequences, handed_over):
    constant = rd.lyapunov_spectrum(network, [0.5, -1.0], n_steps=20)
    assert handed_over[0]["inputs"].tolist() == [[[0.5, -1.0]]]
    assert (constant.n_steps, constant.run.options["inputs"]) == (20, "constant")
    assert handed_over[0]["n_settle"] == handed_over[0]["n_warmup"] == 50
    # One sequence drives every start.
    starts = np.random.default_rng(3).normal(size=(3, 2 * N))
    one = rd.lyapunov_spectrum(network, sequences[0], starts)
    assert one.n_sequences == 3
    for row in handed_over[1]["inputs"]:
        np.testing.assert_array_equal(row, sequences[0])
    # One start for every sequence.
    rd.lyapunov_spectrum(network, sequences, starts[0])
    np.testing.assert_array_equal(handed_over[2]["states"], np.tile(starts[0], (4, 1)))


def test_free_runs_start_at_random_numbers_of_the_seed(network, handed_over):
    for seed in (5, 5, 6):
        rd.lyapunov_spectrum(network, n_sequences=3, n_steps=10, seed=seed)
    first, again, other = (call["states"] for call in handed_over)
    assert first.shape == (3, 2 * N)
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)
    # The networks' default input is 0 at every step.
    assert handed_over[0]["inputs"].tolist() == [[[0.0, 0.0]]] * 3


def test_a_constant_input_of_the_model_is_the_default(handed_over):
    driven = rd.PLRNN([0.5], [[0.0]], [0.0], C=[[2.0]], s=[3.0])
    spectrum = rd.lyapunov_spectrum(driven, z0=[0.0], n_steps=50)
    assert handed_over[0]["inputs"].tolist() == [[[3.0]]]
    np.testing.assert_allclose(spectrum.states, 12.0)


@pytest.mark.parametrize(
    ("n_steps", "window"),
    [
        (1, 1), (20, 1), (21, 2), (100, 5), (320, 16), (1600, 16), (1601, 17), (10_000, 100),
        (100_000, 1000), (10**9, 1000),
    ],
)  # fmt: skip
def test_windows(n_steps, window):
    assert window_length(n_steps, 2, 0) == window


def test_records_fit_into_memory_and_hold_all_samples():
    assert window_length(10**9, 10_000, 0) == 298_024
    for covariant in (1, 80, 81, 1000, 8000):
        window = window_length(10_000, 2, covariant)
        assert n_samples_at_most(10_000, window) >= covariant
        assert window == 100 or n_samples_at_most(10_000, window + 1) < covariant


def test_long_records_are_merged(lozi, handed_over):
    spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=3000, covariant=1500)
    assert handed_over[0]["window"] == 1
    assert spectrum.window_steps.tolist() == [30] * 100
    assert spectrum.covariant_vectors.shape == (1, 1500, 2, 2)


@pytest.mark.parametrize(
    ("n_steps", "transient", "length", "has_frame", "expected"),
    [
        (None, None, None, False, (500, 500, 10_000)),
        (500, None, None, False, (50, 50, 500)),
        (500, 7, None, False, (3, 4, 500)),
        (10**9, None, None, False, (50_000, 50_000, 10**9)),
        (500, None, None, True, (0, 0, 500)),
        (500, 10, None, True, (0, 10, 500)),
        (None, None, 200, False, (0, 20, 180)),
        (None, None, 5, False, (0, 0, 5)),
        (None, 150, 200, False, (0, 150, 50)),
        (30, None, 200, False, (0, 20, 30)),
        (None, None, 200, True, (0, 0, 200)),
    ],
)
def test_steps(n_steps, transient, length, has_frame, expected):
    steps = check_steps(n_steps, transient, length, has_frame=has_frame)
    assert (steps.n_settle, steps.n_warmup, steps.n_steps) == expected


def test_a_frame_goes_on_where_it_ended(lozi, handed_over):
    first = rd.lyapunov_spectrum(lozi, z0=[[0.1, 0.1], [0.2, 0.1]], n_steps=200)
    later = rd.lyapunov_spectrum(lozi, z0=first.states, frame=first.frame, n_steps=200)
    call = handed_over[1]
    assert (call["n_settle"], call["n_warmup"]) == (0, 0)
    np.testing.assert_array_equal(call["frames"][0], first.frame.blocks[0])
    assert later.run.options["warm_start"] is True
    # Together they are one run.
    whole = rd.lyapunov_spectrum(lozi, z0=[[0.1, 0.1], [0.2, 0.1]], n_steps=400, transient=100)
    assert first.run.options["transient"] == 100
    both = (first.exponents + later.exponents) / 2
    np.testing.assert_allclose(both, whole.exponents, atol=1e-12)


def test_a_frame_brings_its_number_of_exponents(network, sequences):
    first = rd.lyapunov_spectrum(network, sequences, n_exponents=2)
    assert first.exponents.shape == (4, 2)
    assert [block.shape for block in first.frame.blocks] == [(4, N, 2)] * 2
    assert rd.lyapunov_spectrum(network, sequences, frame=first.frame).n_exponents == 2
    whole = rd.lyapunov_spectrum(network, sequences)
    assert rd.lyapunov_spectrum(network, sequences, frame=whole.frame).n_exponents == 2 * N


def test_the_largest_exponents_are_those_of_the_union(network, sequences):
    whole = rd.lyapunov_spectrum(network, sequences)
    largest = rd.lyapunov_spectrum(network, sequences, n_exponents=2)
    # The vectors of a smaller frame are other random ones, which are forgotten at the rate of the
    # gap between exponents.
    np.testing.assert_allclose(largest.exponents, whole.exponents[:, :2], atol=0.15)
    for row in largest.layer:
        assert set(row) <= {0, 1}


def test_units_reach_the_spectrum(lozi):
    spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=100, dt=0.5, base=2)
    assert spectrum.units.text == "bits per second"
    plain = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=100, per="step", dt=0.5)
    assert plain.units.text == "nats per step"
    np.testing.assert_allclose(spectrum.exponents, plain.exponents * 2 / np.log(2))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "network"}, TypeError, "model must be a model of rnndyn.*got str"),
        ({"model": None}, TypeError, "model must be a model of rnndyn.*got NoneType"),
        ({"inputs": np.zeros((4, 60, 3))}, ValueError, r"with K = 2, got \(4, 60, 3\)"),
        ({"inputs": 1.0}, ValueError, "inputs must have shape"),
        ({"inputs": np.zeros((2, 2, 2, 2))}, ValueError, "inputs must have shape"),
        ({"inputs": np.zeros((4, 0, 2))}, ValueError, "sequences of length 0"),
        ({"inputs": np.zeros((0, 2))}, ValueError, "sequences of length 0"),
        ({"inputs": np.zeros((0, 5, 2))}, ValueError, "inputs must hold at least one sequence"),
        ({"inputs": np.full((5, 2), np.nan)}, ValueError, r"inputs must be finite, got nan"),
        ({"inputs": np.full((5, 2), 1j)}, TypeError, "inputs must hold real numbers"),
        ({"inputs": [["a", "b"]]}, TypeError, "inputs must hold real numbers"),
        ({"inputs": [[1.0, 2.0], [3.0]]}, ValueError, "inputs must be an array"),
        ({"z0": np.zeros(5)}, ValueError, r"z0 must have shape \(N,\) or \(B, N\) with N = 6"),
        ({"z0": np.zeros((1, 1, 6))}, ValueError, "z0 must have shape"),
        ({"z0": np.full(6, np.inf)}, ValueError, "z0 must be finite"),
        ({"z0": ["a"] * 6}, TypeError, "z0 must hold real numbers"),
        ({"z0": np.zeros((3, 6))}, ValueError, "but inputs has 4, z0 has 3"),
        ({"n_sequences": 2}, ValueError, "but inputs has 4, n_sequences has 2"),
        ({"n_sequences": 0}, ValueError, "n_sequences must be between 1"),
        ({"n_steps": 0}, ValueError, "n_steps must be between 1"),
        ({"n_steps": 10.0}, TypeError, "n_steps must be an integer"),
        ({"n_steps": True}, TypeError, "n_steps must be an integer"),
        ({"n_steps": 60}, ValueError, r"at most the length 60.*6 \+ 60.*n_steps=54"),
        ({"transient": 60}, ValueError, "transient must be below the length 60"),
        ({"transient": -1}, ValueError, "transient must be between 0"),
        ({"n_exponents": 0}, ValueError, "n_exponents must be between 1 and 6"),
        ({"n_exponents": 7}, ValueError, "n_exponents must be between 1 and 6"),
        ({"n_exponents": 1.5}, TypeError, "n_exponents must be an integer"),
        ({"qr_interval": 0}, ValueError, "qr_interval must be between 1"),
        ({"qr_interval": "often"}, ValueError, "qr_interval must be 'auto' or an integer"),
        ({"qr_interval": None}, TypeError, "qr_interval must be an integer"),
        ({"joint": 1}, TypeError, "joint must be True or False"),
        ({"covariant": 5}, ValueError, "2 layers.*give joint=True"),
        ({"covariant": -1, "joint": True}, ValueError, "covariant must be between 0 and 54"),
        ({"covariant": 55, "joint": True}, ValueError, "covariant must be between 0 and 54"),
        ({"covariant": 50, "joint": True}, ValueError, "covariant must be at most 43 for n_steps"),
        ({"dtype": "float16"}, ValueError, "dtype must be 'float64' or 'float32', got 'float16'"),
        ({"dtype": "double precision"}, ValueError, "dtype must be 'float64' or 'float32'"),
        ({"dtype": None}, ValueError, "dtype must be 'float64' or 'float32', got None"),
        ({"dt": -1.0}, ValueError, "dt must be a positive"),
        ({"base": 1}, ValueError, "base must not be 1"),
        ({"per": "second"}, ValueError, "per='second' needs dt"),
        ({"seed": -1}, ValueError, "seed must be between 0"),
        ({"seed": "a"}, TypeError, "seed must be an integer"),
        ({"n_threads": 0}, ValueError, "n_threads must be between 1"),
        ({"time_limit": 0}, ValueError, "time_limit must be a positive"),
        ({"progress": "yes"}, TypeError, "progress must be None, True, False"),
        ({"frame": np.eye(3)}, TypeError, "frame must be the frame of an earlier spectrum"),
    ],
)
def test_bad_input(network, sequences, handed_over, options, error, message):
    values = {"model": network, "inputs": sequences, **options}
    with pytest.raises(error, match=message):
        rd.lyapunov_spectrum(values.pop("model"), values.pop("inputs"), **values)
    assert handed_over == []


def test_inputs_of_a_model_without_inputs_are_refused(lozi):
    with pytest.raises(ValueError, match="this PLRNN has no external input"):
        rd.lyapunov_spectrum(lozi, np.zeros((10, 1)))


def test_torch_modules_and_tensors_are_taken(network, sequences):
    torch = pytest.importorskip("torch")
    module = torch.nn.GRU(2, 3)
    assert rd.lyapunov_spectrum(module, n_steps=20) == rd.lyapunov_spectrum(
        rd.from_torch(module), n_steps=20
    )
    tensor = torch.tensor(sequences)
    expected = rd.lyapunov_spectrum(network, sequences)
    assert rd.lyapunov_spectrum(network, tensor) == expected


def test_frames_that_do_not_fit_are_refused(network, sequences, lozi):
    own = rd.lyapunov_spectrum(network, sequences, n_exponents=2).frame
    joint = rd.lyapunov_spectrum(network, sequences, n_exponents=2, joint=True).frame
    other = rd.lyapunov_spectrum(lozi, n_steps=10, z0=np.full((4, 2), 0.1)).frame
    for options, message in [
        ({"frame": joint}, "frame was computed with joint=True.*joint=False"),
        ({"frame": own, "joint": True}, "frame was computed with joint=False.*joint=True"),
        ({"frame": other}, r"layers of \[3, 3\] states, the frame was made for \[2\]"),
        ({"frame": own, "n_exponents": 1}, r"frame has \[2, 2\] vectors, but n_exponents=1"),
        ({"frame": own, "n_exponents": 3}, r"frame has \[2, 2\] vectors, but n_exponents=3"),
    ]:
        with pytest.raises(ValueError, match=message):
            rd.lyapunov_spectrum(network, sequences, **options)
    with pytest.raises(ValueError, match="but inputs has 2, frame has 4"):
        rd.lyapunov_spectrum(network, sequences[:2], frame=own)


def test_diverging_orbits_are_named():
    growing = rd.PLRNN([2.0], [[0.0]], [1.0])
    with pytest.raises(rd.DivergenceError, match="sequence 1 left the range") as caught:
        # The fixed point -1 stays where it is; the others double at every step.
        rd.lyapunov_spectrum(growing, z0=[[-1.0], [1e300], [1.0]], n_steps=2000)
    error = caught.value
    assert isinstance(error, ValueError)
    assert "2 of 3 sequences diverge" in str(error)
    assert "z0=" in str(error)
    assert error.steps[0] == -1
    # 1e300 doubles 27 times within the range of float64, 1 nearly 1024 times.
    assert error.steps[1] == 28
    assert error.steps[2] == 1023
    assert f"at step {error.steps[1]} " in str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    np.testing.assert_array_equal(copy.steps, error.steps)


def test_progress_is_shown(lozi):
    meter = CtrlC(lambda state: False)
    rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=2_000_000, progress=meter)
    assert (meter.titles, meter.n_closed) == (["lyapunov_spectrum"], 1)
    assert meter.states
    fractions = [state.fraction for state in meter.states]
    assert fractions == sorted(fractions)
    assert 0.0 <= fractions[0] <= fractions[-1] <= 1.0
    last = meter.states[-1]
    assert isinstance(last, rd.lyapunov.LyapunovProgress)
    assert last.n_steps_total == 2_100_000
    assert "steps/s" in last.text(1.0)


def test_ctrl_c_returns_the_estimate_so_far(lozi):
    meter = CtrlC(lambda state: state.n_steps >= 1_000_000)
    spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=50_000_000, transient=0,
                                    progress=meter)  # fmt: skip
    assert spectrum.stopped_by == "interrupt"
    assert 0 < spectrum.n_steps < 50_000_000
    lower, upper = spectrum.interval()
    assert lower[0, 0] < 0.4702 < upper[0, 0]
    assert "INCOMPLETE: interrupted after" in repr(spectrum)
    assert meter.n_closed == 1


def test_ctrl_c_before_any_estimate_is_ctrl_c(lozi):
    with pytest.raises(KeyboardInterrupt):
        rd.lyapunov_spectrum(
            lozi, z0=[0.1, 0.1], n_steps=10, transient=50_000_000, progress=CtrlC()
        )


def test_an_error_of_the_meter_stops_the_run(lozi):
    class Broken(CtrlC):
        def step(self, progress):
            raise OSError("no screen")

    meter = Broken()
    with pytest.raises(OSError, match="no screen"):
        rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=50_000_000, progress=meter)
    assert meter.n_closed == 1


def test_a_time_limit_returns_the_estimate_so_far(lozi):
    spectrum = rd.lyapunov_spectrum(
        lozi, z0=[0.1, 0.1], n_steps=500_000_000, transient=0, time_limit=0.2
    )
    assert spectrum.stopped_by == "time_limit"
    assert 0 < spectrum.n_steps < 500_000_000
    lower, upper = spectrum.interval()
    assert lower[0, 0] < 0.4702 < upper[0, 0]


def test_a_time_limit_in_the_transient_leaves_the_first_step_with_an_unknown_error(lozi):
    spectrum = rd.lyapunov_spectrum(
        lozi, z0=[0.1, 0.1], n_steps=10, transient=500_000_000, time_limit=0.05
    )
    assert spectrum.stopped_by == "time_limit"
    assert not spectrum.finished
    assert (spectrum.n_steps, spectrum.run.options["transient"]) == (1, 0)
    assert np.isinf(spectrum.standard_error).all()
    assert not spectrum.converged.any()
    assert "INCOMPLETE: stopped by the time limit after 1 of 10 steps" in repr(spectrum)
    # As a step without a limit.
    step = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=1, transient=0)
    assert (spectrum.exponents == step.exponents).all()


def test_a_time_limit_in_the_transient_of_driven_sequences():
    rng = np.random.default_rng(0)
    model = rd.GRU(rng.normal(size=(90, 2)), rng.normal(size=(90, 30)))
    inputs = rng.normal(size=(3, 4000, 2))
    spectrum = rd.lyapunov_spectrum(model, inputs, time_limit=1e-6, n_threads=1)
    assert spectrum.stopped_by == "time_limit"
    assert spectrum.exponents.shape == (3, 30)
