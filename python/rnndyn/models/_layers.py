"""Parameters of stacked layers: as four lists, one entry per layer, and by the names of torch.nn.

Layer l of width n has ``weight_ih_l{l}`` (G n, K), ``weight_hh_l{l}`` (G n, n), ``bias_ih_l{l}``
and ``bias_hh_l{l}`` (G n,) with G gates; K is n for all layers but the first.
"""

import re
from collections.abc import Mapping
from typing import Any

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn.models._declarations import freeze

ARGUMENTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_NAME = re.compile(rf"(?:{'|'.join(ARGUMENTS)})_l(?:0|[1-9][0-9]{{0,8}})", re.ASCII)


class Layers(list[Any]):
    """One value per layer, for certain: a list might as well be the rows of a matrix."""


def is_layer_name(name: object) -> bool:
    """Tell whether `name` is the name of an array of a layer, such as ``weight_hh_l0``."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def layers_of_parameters(values: Mapping[str, Any], family: str) -> dict[str, Layers]:
    """Sort arrays by name into one list per argument, or say which name is missing."""
    given = {name: array for name, array in values.items() if array is not None}
    # Counted, not read off the largest number: a file may claim a layer 999999999.
    n_layers = sum(name.startswith("weight_hh_") for name in given)
    for layer in range(max(n_layers, 1)):
        if f"weight_hh_l{layer}" not in given:
            names = ", ".join(given) or "nothing"
            raise ValueError(f"{family} needs weight_hh_l{layer}, got {names:.200}")
    layers = {
        argument: Layers(given.pop(f"{argument}_l{layer}", None) for layer in range(n_layers))
        for argument in ARGUMENTS
    }
    for name in given:
        raise ValueError(
            f"{name} is there without weight_hh{name[name.rindex('_') :]}: the layers of this "
            f"{family} are 0 to {n_layers - 1}"
        )
    return layers


def parameters_of_layers(
    weight_ih: object, weight_hh: object, bias_ih: object, bias_hh: object, n_gates: int
) -> dict[str, FloatArray]:
    """Check the arguments of a constructor and return frozen arrays by name.

    Each argument is an array for a network of one layer, or a list of arrays, one per layer.
    """
    hidden = _by_layer(weight_hh, 2)
    n_layers = len(hidden)
    arguments = {
        "weight_ih": _by_layer(weight_ih, 2),
        "weight_hh": hidden,
        "bias_ih": _by_layer(bias_ih, 1),
        "bias_hh": _by_layer(bias_hh, 1),
    }
    for name, layers in arguments.items():
        if name.startswith("bias") and all(array is None for array in layers):
            arguments[name] = [None] * n_layers
        else:
            _require_every_layer(name, layers, n_layers)
    n_units = _number_of_units(hidden[0], n_gates)
    parameters: dict[str, FloatArray] = {}
    for layer in range(n_layers):
        for name, layers in arguments.items():
            label = f"{name}_l{layer}"
            if layers[layer] is None:
                continue
            array = finite_numbers(label, layers[layer])
            _require_shape(label, array, n_gates, n_units)
            # Weights of no input at all are no weights, so that such networks are equal.
            if array.size > 0:
                parameters[label] = freeze(array)
    return parameters


def _by_layer(value: Any, n_axes: int) -> list[Any]:
    """Return one value per layer, of which each should have `n_axes` axes."""
    has_none = isinstance(value, (list, tuple)) and any(layer is None for layer in value)
    if isinstance(value, Layers) or has_none or _depth(value) == n_axes + 1:
        return list(value)
    return [value]


def _depth(value: object) -> int:
    """Count the axes of an array or of nested sequences, also of ragged ones."""
    n_axes = getattr(value, "ndim", None)
    if isinstance(n_axes, int):
        return n_axes
    if isinstance(value, (list, tuple)):
        return 1 + max((_depth(entry) for entry in value), default=0)
    return 0


def _require_every_layer(name: str, layers: list[Any], n_layers: int) -> None:
    if len(layers) != n_layers:
        raise ValueError(
            f"{name} must be a list of {n_layers} arrays, one for each layer of weight_hh, got "
            f"{'one array' if len(layers) == 1 else len(layers)}"
            if layers != [None]
            else f"{name} must be given for all layers but the first, which may have None: "
            f"a list of {n_layers} arrays, one for each layer of weight_hh"
        )
    for layer, array in enumerate(layers):
        if array is None and (name, layer) != ("weight_ih", 0):
            needed = (
                "for every layer or for none"
                if name.startswith("bias")
                else "for every layer but the first, which may be without input"
                if name == "weight_ih"
                else "for every layer"
            )
            raise ValueError(f"{name}_l{layer} is missing: {name} is needed {needed}")


def _number_of_units(weight_hh: object, n_gates: int) -> int:
    array = finite_numbers("weight_hh_l0", weight_hh)
    if array.ndim != 2 or array.shape[0] != n_gates * array.shape[1] or array.size == 0:
        raise ValueError(
            f"weight_hh_l0 must have shape ({_rows(n_gates)}, n) with n >= 1 units, "
            f"got {array.shape}"
        )
    return int(array.shape[1])


def _require_shape(label: str, array: FloatArray, n_gates: int, n_units: int) -> None:
    rows = n_gates * n_units
    if label.startswith("bias"):
        fits, expected = array.shape == (rows,), f"({_rows(n_gates)},)"
    elif label == "weight_ih_l0":
        fits, expected = array.ndim == 2 and len(array) == rows, f"({_rows(n_gates)}, K)"
    else:
        fits, expected = array.shape == (rows, n_units), f"({_rows(n_gates)}, n)"
    if not fits:
        raise ValueError(
            f"{label} must have shape {expected} with n = {n_units} (set by weight_hh_l0), "
            f"got {array.shape}"
        )


def _rows(n_gates: int) -> str:
    return "n" if n_gates == 1 else f"{n_gates} n"
