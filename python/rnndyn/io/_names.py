"""Which array of a file is which parameter of a family: the names that people use."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from rnndyn.io._torch import BIDIRECTIONAL, PROJECTIONS
from rnndyn.models import FAMILIES, RecurrentNetwork

Arrays = Mapping[str, NDArray[Any]]

#: Parameter -> names it has elsewhere, best first; those of linear layers have a dot.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "A": ("A", "A_diag", "A.weight"),
    "W": ("W", "W.weight"),
    "h": ("h", "bias", "b", "W.bias"),
    "W1": ("W1", "W_1", "W1.weight"),
    "W2": ("W2", "W_2", "W2.weight"),
    "h1": ("h1", "h_1", "b1", "W1.bias"),
    "h2": ("h2", "h_2", "b2", "W2.bias"),
    "alpha": ("alpha", "alphas"),
    "thresholds": ("thresholds", "thetas", "theta", "H"),
    "slope": ("slope", "slopes", "negative_slope"),
    "W_hh": ("W_hh", "Whh", "W_rec", "W_hh.weight"),
    "b": ("b", "bias", "b_h", "W_hh.bias"),
    "C": ("C", "C.weight", "Wu"),
    "s": ("s",),
}
#: Options that may be in a file as numbers.
OPTION_NAMES = ("n_relu", "clipped")
#: Families that names tell apart, those with more parameters first.
_BY_NAMES = (
    "LowRankRNN",
    "DendriticPLRNN",
    "LeakyShallowPLRNN",
    "ShallowPLRNN",
    "LeakyPLRNN",
    "PLRNN",
    "LeakyReLURNN",
    "ReLURNN",
)
#: Families with the same arrays as the one that is guessed.
ALSO = {
    "PLRNN": "ALRNN, MeanCenteredPLRNN, or W max(z - h, 0) in files of PLRNNstsp of 2017, which is "
    "DendriticPLRNN(A, W, 0 * h, [1.0], [h])",
    "ShallowPLRNN": "ClippedShallowPLRNN",
    "DendriticPLRNN": "the clipped form, option clipped",
}
#: What makes a family another one: an initial state has the shape of slopes and is none.
_DISTINCTIVE = ("slope", "alpha", "thresholds")
_IN_TURN = re.compile(
    r"(?P<box>[^.]+)\.(layers\.)?(?P<number>\d{1,4})\.(?P<what>weight|bias)", re.ASCII
)
_LAYER = re.compile(r"(weight|bias)_(ih|hh)(_l\d{1,4})?")
#: Names in the cells of Flux -> those of torch; the gates of an LSTM have the same order.
FLUX_NAMES = {"Wi": "weight_ih", "Wh": "weight_hh", "b": "bias_ih", "bias": "bias_ih"}
#: Types of Flux and packages with the same names whose equations no family has.
FLUX_GRU = (
    "the GRU of Flux applies its reset gate before the recurrent weights, torch's and that of "
    "rnndyn after them"
)
_REFUSED = re.compile(r"weight_(hr_l\d{1,4}|(ih|hh|hr)_l\d{1,4}(?P<reverse>_reverse))")
_GATES = {1: "RNN", 3: "GRU", 4: "LSTM"}
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789", "") | {
    ord("α"): "alpha",
    ord("θ"): "theta",
    ord("Θ"): "theta",
    ord("σ"): "activation",
}


#: What may stand beside the weights of a recurrent network without being one of them: initial
#: states, and a setting of modules saved whole.
BESIDE = ("state", "state0", "h0", "c0", "h_0", "c_0", "hx", "cx", "z0", "dropout")
#: Cells of Flux have had their initial states under these names.
_BESIDE_IN_FLUX = ("h", "c")


class Match(NamedTuple):
    """A family and where its parameters are.

    Attributes
    ----------
    prefix : str
        What the names of its arrays begin with, such as ``"model"``.
    family : str
        Name of the family.
    keys : dict of str to str
        Full names of arrays by parameter.
    """

    prefix: str
    family: str
    keys: dict[str, str]


def local_name(name: str) -> str:
    """Write a name in ASCII as the families do: ``W₁`` is W1."""
    return name.translate(_PLAIN)


def grouped(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the names by prefix and by what follows it: one part, or two as in ``W.weight``."""
    groups: dict[str, dict[str, str]] = {"": {}}
    for name in names:
        parts = name.rsplit(".", 2)
        for length in range(1, len(parts)):
            prefix, local = ".".join(parts[:length]), ".".join(parts[length:])
            groups.setdefault(prefix, {})[local_name(local)] = name
        if len(parts) < 3:
            groups[""][local_name(name)] = name
    return groups


def parameters_called(local: str) -> set[str]:
    """Return the parameters, of any family, that have this name somewhere."""
    named = {parameter for parameter, aliases in _ALIASES.items() if local in aliases}
    return named | ({local} if _LAYER.fullmatch(local) or local in FLUX_NAMES else set())


def strangers(arrays: Arrays, found: Match) -> list[str]:
    """Return the arrays that are beside those of a match and make it another network.

    Below the prefix of torch's recurrent networks, and of Flux's cells, there is nothing but their
    weights: what else is there takes part in the step, such as peepholes, or norms of layers. Where
    names alone say what a network is, files hold other things as well; then only what makes
    another family of it counts.
    """
    used = set(found.keys.values())
    if not issubclass(FAMILIES[found.family], RecurrentNetwork):
        return [
            name
            for name in _beside(arrays, found.prefix)
            if name not in used
            and not _is_number(arrays[name])
            and parameters_called(local_name(name.rpartition(".")[2])) & set(_DISTINCTIVE)
        ]
    start = f"{found.prefix}." if found.prefix else ""
    below = [name for name in arrays if name.startswith(start)]
    if found.prefix.rpartition(".")[2] == "module":
        # Wrappers, such as those that drop weights, keep their own parameters one level up.
        below += _beside(arrays, found.prefix.rpartition(".")[0])
    of_flux = any(name.rpartition(".")[2] in FLUX_NAMES for name in used)
    beside = BESIDE + (_BESIDE_IN_FLUX if of_flux else ())
    return [
        name
        for name in below
        if name not in used
        and name.rpartition(".")[2] not in beside
        and not _is_number(arrays[name])
    ]


def _is_number(array: NDArray[Any]) -> bool:
    """Whether it is a size, a number of epochs or a setting, and no weight."""
    return array.ndim == 0 and array.dtype.kind in "biu"


def layers_in_turn(arrays: Arrays, prefix: str) -> list[tuple[str, str]]:
    """Return the weights and biases of a feedforward network below a prefix, in their order.

    Its layers have numbers, as in ``torch.nn.Sequential`` and Flux's ``Chain``; those without
    weights, such as activations, are passed over.
    """
    start = f"{prefix}." if prefix else ""
    found: dict[str, dict[int, dict[str, str]]] = {}
    for name in arrays:
        layer = _IN_TURN.fullmatch(name[len(start) :]) if name.startswith(start) else None
        if layer is not None:
            numbered = found.setdefault(layer["box"], {}).setdefault(int(layer["number"]), {})
            numbered[layer["what"]] = name
    if len(found) != 1:
        return []
    (layers,) = found.values()
    ordered = [layers[number] for number in sorted(layers)]
    if any(len(parts) != 2 for parts in ordered):
        return []
    return [(parts["weight"], parts["bias"]) for parts in ordered]


def _match_deep(arrays: Arrays, here: Mapping[str, str], prefix: str) -> Match | None:
    """Match ``A z`` plus a feedforward network of ReLUs: with one layer of them it is shallow."""
    if "A" not in here or arrays[here["A"]].ndim not in (1, 2):
        return None
    layers = layers_in_turn(arrays, prefix)
    shapes = [arrays[weight].shape for weight, _ in layers]
    n_states = len(arrays[here["A"]])
    widths = [n_states, *(shape[0] for shape in shapes if shape)]
    fits = len(layers) > 1 and widths[-1] == n_states
    if not fits or shapes != list(zip(widths[1:], widths, strict=False)):
        return None
    keys = {"A": here["A"]}
    if len(layers) == 2:
        (inner, inner_bias), (outer, outer_bias) = layers
        keys |= {"W1": outer, "W2": inner, "h1": outer_bias, "h2": inner_bias}
        return Match(prefix, "ShallowPLRNN", keys | ({"C": here["C"]} if "C" in here else {}))
    for number, (weight, bias) in enumerate(layers, 1):
        keys |= {f"W{number}": weight, f"b{number}": bias}
    return Match(prefix, "DeepPLRNN", keys)


def _beside(arrays: Arrays, prefix: str) -> list[str]:
    """Return the names right below a prefix."""
    return [name for name in arrays if name.rpartition(".")[0] == prefix]


def match(
    arrays: Arrays,
    prefix: str,
    here: Mapping[str, str],
    family: str | None,
    keys: Mapping[str, str],
    *,
    by_shape: bool = False,
) -> Match | None:
    """Match the arrays below a prefix with a family, or with the first that fits.

    `here` are their names by what follows the prefix, `keys` the parameters that the user has
    placed. With `by_shape` one parameter may have another name.
    """
    recurrent = _match_layers(arrays, here, prefix, family, keys)
    if recurrent is not None:
        return recurrent
    if family in (None, "DeepPLRNN") and not keys:
        deep = _match_deep(arrays, here, prefix)
        if deep is not None:
            return deep
    for name in _BY_NAMES if family is None else (family,):
        model = FAMILIES[name]
        if not hasattr(model, "_arrays"):
            continue
        declared: Mapping[str, Any] = model._arrays
        found = {
            parameter: keys[parameter] if parameter in keys else here[alias]
            for parameter in declared
            for alias in _first(parameter, keys, here)
        }
        found = _without_doubles(found, keys)
        needed = [p for p in declared if p not in ("C", "s")]
        if all(parameter in found for parameter in needed):
            return Match(prefix, name, found)
        rest = _complete(arrays, here, found, needed, declared) if by_shape else None
        if rest is not None:
            return Match(prefix, name, rest)
    return None


def _first(parameter: str, keys: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Return the name under which a parameter is there, if any."""
    if parameter in keys:
        return [parameter]
    return [alias for alias in _ALIASES.get(parameter, (parameter,)) if alias in here][:1]


def _without_doubles(found: dict[str, str], keys: Mapping[str, str]) -> dict[str, str]:
    """Leave an array that the user placed to the parameter he placed it at."""
    placed = set(keys.values())
    return {p: name for p, name in found.items() if p in keys or name not in placed}


def _complete(
    arrays: Arrays,
    here: Mapping[str, str],
    found: Mapping[str, str],
    needed: list[str],
    declared: Mapping[str, Any],
) -> dict[str, str] | None:
    """Place the one parameter without a known name if exactly one array has its shape."""
    missing = [parameter for parameter in needed if parameter not in found]
    if len(missing) != 1 or len(found) < 2 or missing[0] in _DISTINCTIVE:
        return None
    sizes: dict[str, int] = {}
    for parameter, name in found.items():
        for axes in declared[parameter].shapes:
            if len(axes) == arrays[name].ndim:
                sizes.update(zip(axes, arrays[name].shape, strict=True))
    wanted = {tuple(sizes.get(axis, -1) for axis in axes) for axes in declared[missing[0]].shapes}
    used = set(found.values())
    fitting = [
        name
        for local, name in here.items()
        if name not in used and "." not in local and arrays[name].shape in wanted - {()}
    ]
    return {**found, missing[0]: fitting[0]} if len(fitting) == 1 else None


def _match_layers(
    arrays: Arrays,
    here: Mapping[str, str],
    prefix: str,
    family: str | None,
    keys: Mapping[str, str],
) -> Match | None:
    """Match parameters with the names of torch's recurrent networks or cells."""
    found = {
        local if layer[3] else f"{local}_l0": name
        for local, name in here.items()
        if (layer := _LAYER.fullmatch(local)) and arrays[name].ndim
    }
    of_flux = "Wi" in here and "Wh" in here
    if of_flux:
        found.update(
            (f"{FLUX_NAMES[local]}_l0", name)
            for local, name in here.items()
            if local in FLUX_NAMES and arrays[name].ndim
        )
    found.update({p: name for p, name in keys.items() if _LAYER.fullmatch(p)})
    first = found.get("weight_hh_l0")
    if first is None or family not in (None, *_GATES.values()):
        return None
    for local in here:
        refused = _REFUSED.fullmatch(local)
        if refused:
            raise ValueError(BIDIRECTIONAL if refused["reverse"] else PROJECTIONS)
    shape = arrays[first].shape
    n_gates = shape[0] // shape[1] if len(shape) == 2 and shape[1] else 0
    guess = _GATES.get(n_gates)
    if family is None and guess is None:
        return None
    if of_flux and family is None and guess == "GRU":
        raise ValueError(f"it holds a GRU with the names of Flux: {FLUX_GRU}")
    return Match(prefix, family or str(guess), found)
