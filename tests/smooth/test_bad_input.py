"""What no fixed points can be found of gets one sentence that says what to do instead."""

from typing import Any

import numpy as np
import pytest

import rnndyn as rd

torch = pytest.importorskip("torch")
sparse = pytest.importorskip("scipy.sparse")

# Torch warns of its own quantised and sparse tensors.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

GRU = rd.from_torch(torch.nn.GRU(2, 3))
RELU = rd.from_torch(torch.nn.RNN(2, 3, nonlinearity="relu"))
SEQUENCES = np.zeros((4, 10, 2))


class Around(torch.nn.Module):  # type: ignore[name-defined,misc]
    """A network with an LSTM in it, as quantisation takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(2, 3)


@pytest.fixture(scope="module")
def quantised() -> Any:
    lstm = {torch.nn.LSTM}
    return torch.ao.quantization.quantize_dynamic(Around(), lstm, dtype=torch.qint8).lstm


def state_dict(change: Any) -> Any:
    weights = torch.nn.GRU(2, 3).state_dict()
    weights["weight_hh_l0"] = change(weights["weight_hh_l0"])
    return weights


def search(**arguments: Any) -> Any:
    return lambda: rd.find_fixed_points(GRU, **arguments)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        # Networks.
        (
            lambda: rd.from_torch(torch.nn.GRU(2, 3, bidirectional=True)),
            ValueError,
            "a bidirectional network is not supported because it is no dynamical system",
        ),
        (
            lambda: rd.from_torch(torch.nn.LSTM(2, 3, proj_size=2)),
            ValueError,
            "an LSTM with projections is not supported.* use proj_size=0",
        ),
        (
            lambda: rd.from_torch(
                state_dict(lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8)), kind="gru"
            ),
            ValueError,
            "weight_hh_l0 is quantised: give the network before quantisation, or weight_hh_l0.deq",
        ),
        (lambda: rd.RNN(None, [[np.nan]]), ValueError, "weight_hh_l0 must be finite, got nan"),
        # Inputs.
        (
            search(inputs=SEQUENCES),
            ValueError,
            r"inputs must be constant, of shape \(K,\) or \(C, K\) with K = 2, got "
            r"shape \(4, 10, 2\): under an input that changes in time.*choose a constant one.*or "
            "one for each step of its period",
        ),
        (
            lambda: rd.find_fixed_points(RELU, SEQUENCES),
            ValueError,
            "under an input that changes in time a network has no fixed points",
        ),
        (
            search(inputs=np.zeros(3)),
            ValueError,
            r"shape \(K,\) or \(C, K\) with K = 2, got \(3,\)",
        ),
        (search(inputs=np.zeros((4, 3))), ValueError, r"with K = 2, got \(4, 3\)"),
        (search(inputs=np.zeros((0, 2))), ValueError, r"with K = 2, got \(0, 2\)"),
        (search(inputs=0.5), ValueError, r"with K = 2, got a number: write it as \[0.5\]"),
        (
            search(inputs=[0.0, np.nan]),
            ValueError,
            r"inputs must be finite, got nan at inputs\[1\]",
        ),
        (search(inputs=[[0.0, 0.0], [np.inf, 0.0]]), ValueError, r"got inf at inputs\[1,0\]"),
        (search(inputs=["a", "b"]), TypeError, "inputs must hold real numbers"),
        (
            lambda: rd.find_fixed_points(rd.RNN(None, [[0.5]]), inputs=[[1.0]]),
            ValueError,
            "this RNN has no external input: leave out inputs",
        ),
        # Where restarts begin.
        (search(states=np.zeros((5, 4))), ValueError, "states must have shape .* with N = 3"),
        (search(states=np.full((2, 3), np.nan)), ValueError, "states must be finite, got nan"),
        (search(drive=np.zeros((4, 10, 3))), ValueError, "drive must be input sequences .*K = 2"),
        (
            search(drive=np.zeros(2)),
            ValueError,
            r"shape \(B, T, K\) or \(T, K\) with K = 2, got \(2,\)",
        ),
        (search(drive=np.zeros((1, 1, 4, 2))), ValueError, "drive must be input sequences"),
        (search(drive=np.zeros((0, 10, 2))), ValueError, "drive must be input sequences"),
        (search(drive=np.full((2, 3, 2), np.nan)), ValueError, "drive must be finite, got nan"),
        (
            lambda: rd.find_fixed_points(rd.RNN(None, [[0.5]]), drive=SEQUENCES),
            ValueError,
            "this RNN has no external input: leave out drive",
        ),
        (
            lambda: rd.find_fixed_points(rd.PLRNN([0.5], [[1.0]], [0.0]), drive=SEQUENCES),
            ValueError,
            "this PLRNN has no external input: leave out drive",
        ),
        (
            lambda: rd.find_fixed_points(RELU, [[0.0, 0.0]], resume=rd.find_fixed_points(RELU)),
            ValueError,
            "resume goes on with the search under one input",
        ),
    ],
)
def test_one_sentence_says_what_to_do(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_quantised_modules(quantised: Any) -> None:
    for call in (
        lambda: rd.from_torch(quantised),
        lambda: rd.from_torch(quantised.state_dict(), kind="lstm"),
    ):
        with pytest.raises(ValueError, match=r"a quantised network is not supported.*before quant"):
            call()


def test_any_array_is_an_input() -> None:
    points = rd.find_fixed_points(GRU, [0.0, 0.0])
    for inputs in (torch.zeros(2), np.zeros(2, np.float32), (0, 0)):
        assert rd.find_fixed_points(GRU, inputs) == points


def test_sparse_weights_are_taken() -> None:
    weights = torch.nn.GRU(2, 3).state_dict()
    expected = rd.from_torch(weights, kind="gru")
    for change in (torch.Tensor.to_sparse, torch.Tensor.to_sparse_csr):
        own = {name: change(value) if value.ndim == 2 else value for name, value in weights.items()}
        assert rd.from_torch(own, kind="gru") == expected
    assert rd.RNN(None, sparse.eye(3)) == rd.RNN(None, np.eye(3))
