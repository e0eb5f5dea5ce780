"""What needs a piecewise-linear map says so when it gets another model."""

import json
import re

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.cli import main
from rnndyn.models._canonical_map_of import canonical_map_of

LSTM = rd.LSTM(None, np.zeros((4, 1)))
RELU = rd.RNN(None, [[1.0]], nonlinearity="relu")
MAP = rd.DifferentiableMap(lambda z: z, lambda z: np.ones((len(z), 1, 1)), 1)
CYCLES_CANNOT = "rnndyn computes this model's Lyapunov exponents, but not its cycles"
SMOOTH_HAS = (
    r"of this model rnndyn has the fixed points and cycles \(find_cycles\), also along paths of "
    r"parameters \(continue_cycles\), and the Lyapunov exponents, but nothing over planes of "
    "parameters, and no basins"
)
CASES = pytest.mark.parametrize(
    ("model", "advice"),
    [
        (LSTM, rf"got LSTM\(n_inputs=0, hidden_size=1, n_layers=1\): {SMOOTH_HAS}$"),
        (MAP, rf"got DifferentiableMap\(n_states=1\): {CYCLES_CANNOT}$"),
        (rd.RNN(None, [[1.0]]), rf"got RNN\(.*'tanh'\): {SMOOTH_HAS}$"),
    ],
)


def test_a_relu_rnn_is_taken_as_the_map_that_it_is(tent):
    certificate = rd.find_cycles(RELU, 1, method="complete", keep_tree=True).certificate
    assert certificate.verify(RELU).confirmed
    assert rd.solve_cycle(RELU, [[False]]) == rd.solve_cycle(RELU.as_piecewise_linear(), [[False]])
    assert rd.forced(RELU, 0.5) == rd.forced(RELU.as_piecewise_linear(), 0.5)
    # What is below the conversion, in the core's own language, still says what to do.
    with pytest.raises(TypeError, match=r"got RNN\(.*'relu'\): give its as_piecewise_linear\(\)$"):
        canonical_map_of(RELU)


@CASES
def test_searches_say_what_they_need(model, advice, tent):
    certificate = rd.find_cycles(tent, 1, method="complete", keep_tree=True).certificate
    uses = [
        lambda: rd.solve_cycle(model, [[True]]),
        lambda: certificate.verify(model),
        lambda: rd.basins(model),
    ]
    if model is MAP:
        uses += [lambda: rd.find_cycles(model, 2), lambda: rd.find_fixed_points(model)]
        uses += [lambda: rd.continue_cycles(tent, model, max_order=1)]
    for use in uses:
        with pytest.raises(TypeError, match=r"model must be piecewise linear.*" + advice):
            use()


def test_the_command_line_says_it_in_one_line(tmp_path, capsys):
    path = tmp_path / "lstm.npz"
    rd.save_model(LSTM, path)
    certificate = tmp_path / "proof.npz"
    tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    rd.find_cycles(tent, 1, method="complete", keep_tree=True).certificate.save(certificate)
    assert main(["verify", str(certificate), str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"rnndyn: error: {path}: model must be piecewise linear")
    assert re.search(f"{SMOOTH_HAS}\n$", captured.err)
    assert captured.err.count("\n") == 1


def test_a_file_of_cycles_is_not_that_of_an_lstm(tent, tmp_path):
    path = tmp_path / "cycles.npz"
    rd.find_cycles(tent, 2).save(path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files if not name.startswith("model/")}
    header = json.loads(str(arrays["header"]))
    header["model"] = {**header["model"], "family": "LSTM"}
    arrays["header"] = np.array(json.dumps(header))
    np.savez(path, **arrays, **{"model/weight_hh_l0": np.zeros((4, 1))})
    with pytest.raises(ValueError, match="the cycles of order 1 are not those of its model"):
        rd.CycleSet.load(path)
