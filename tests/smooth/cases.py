"""Networks that the tests of smooth dynamics share."""

import json
from pathlib import Path
from typing import Any

import numpy as np

import rnndyn as rd
from rnndyn._core import _core

FAMILIES: dict[str, Any] = {"RNN": rd.RNN, "GRU": rd.GRU, "LSTM": rd.LSTM}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
#: Families and options: everything of which the smooth core has an equation.
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("RNN", {}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
    ("LSTM", {}),
]
FLIP_FLOPS = json.loads((Path(__file__).parent / "smooth_networks.json").read_text())


def random_network(
    family: str,
    n: int,
    gain: float,
    rng: np.random.Generator,
    n_layers: int = 1,
    **options: Any,
) -> Any:
    """Weights are normal with standard deviation gain / sqrt(n), biases a sixth of the gain."""
    rows = GATES[family] * n
    scale = gain / np.sqrt(n)
    first: list[Any] = [None]
    below = [scale * rng.normal(size=(rows, n)) for _ in range(n_layers - 1)]
    weight_hh = [scale * rng.normal(size=(rows, n)) for _ in range(n_layers)]
    bias = [gain / 6.0 * rng.normal(size=rows) for _ in range(n_layers)]
    return FAMILIES[family](first + below, weight_hh, None, bias, **options)


def smooth_map(model: Any, inputs: Any = None) -> Any:
    """The compiled map under a constant input."""
    constant = np.zeros(model.n_inputs) if inputs is None else np.asarray(inputs, dtype=float)
    return _core.SmoothMap(model._system(), constant)


def flip_flop(name: str) -> tuple[Any, np.ndarray[Any, Any]]:
    """One of the three networks trained on the 3-bit flip-flop task, and its resting input."""
    entry = FLIP_FLOPS[name]
    state = {key: np.array(value) for key, value in entry["state_dict"].items()}
    return FAMILIES[entry["kind"]].from_parameters(state), np.array(entry["input"])
