"""From arrays by name to a model: family, which array is which parameter, and orientation."""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnndyn.io._content import Content
from rnndyn.io._names import (
    ALSO,
    BESIDE,
    FLUX_GRU,
    FLUX_NAMES,
    OPTION_NAMES,
    Match,
    grouped,
    local_name,
    match,
    parameters_called,
    strangers,
)
from rnndyn.io._reparametrized import put_together
from rnndyn.models import FAMILIES, Model

#: Types of Julia packages -> family and options.
_TYPES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "PLRNN": ("PLRNN", {}),
    "mcPLRNN": ("MeanCenteredPLRNN", {}),
    "shallowPLRNN": ("ShallowPLRNN", {}),
    "clippedShallowPLRNN": ("ClippedShallowPLRNN", {}),
    "dendPLRNN": ("DendriticPLRNN", {}),
    "clippedDendPLRNN": ("DendriticPLRNN", {"clipped": True}),
    "deepPLRNN": ("DeepPLRNN", {}),
    "RNNCell": ("RNN", {}),
    "LSTMCell": ("LSTM", {}),
}
#: Types whose equations no family has.
_REFUSED = {"GRUCell": FLUX_GRU}
_ACTIVATIONS = {"tanh": "tanh", "tanh_fast": "tanh", "relu": "relu"}
#: Names of what low-rank networks have in place of their decay A.
_DECAYS = ("AW", "decay_param")
#: Where the experts of a DynaMix are.
_EXPERT = re.compile(r"(?P<start>(.*\.)?)experts\.\d+", re.ASCII)
#: Parts of names of what checkpoints hold besides weights.
_OF_TRAINING = ("optim", "scheduler", "loss", "callback", "ema", "rng", "metric", "hyper", "config")
_SHOWN = 8


class UnsaidNonlinearityError(ValueError):
    """Nothing says whether an RNN has tanh or relu."""


class Identified(NamedTuple):
    """A model and how it was found; see `ImportedModel`."""

    model: Model
    keys: dict[str, str]
    notes: list[str]
    unused: list[str]


def identify(
    content: Content,
    family: str | None,
    keys: Mapping[str, str],
    options: Mapping[str, Any],
    prefix: str | None,
) -> Identified:
    """Make a model of the arrays of a file.

    Raises
    ------
    ValueError
        If no family fits, several do, or the arrays are no valid parameters.
    """
    arrays = content.arrays
    notes: list[str] = []
    joined = {}
    for parts in put_together(arrays, keys.values()):
        joined[parts.weight] = ", ".join(parts.names)
        notes.append(f"{parts.weight} is computed from {joined[parts.weight]} ({parts.made_by})")
    decays = _decays(arrays)
    joined |= _split_joined(arrays)
    for parameter, name in keys.items():
        if name not in arrays:
            raise ValueError(
                f"there is no array {name!r:.60} for parameter {parameter}; {_listed(content)}"
            )
    groups = grouped(arrays)
    found, known = _matched(content, groups, family, keys, prefix)
    here = groups.get(found.prefix, {})
    _check_unread(content, found, keys, notes)
    if not known and found.family == "PLRNN" and ("n_relu" in here or "n_relu" in options):
        found, known = found._replace(family="ALRNN"), True
    for parameter in keys:
        if parameter not in found.keys:
            raise ValueError(
                f"{found.family} has no parameter {parameter!r:.60}; its parameters are "
                f"{', '.join(found.keys)}"
            )
    _check_strangers(arrays, found, family, keys, notes)
    _check_activations(content, found)
    if family is None and _is_expert(arrays, found.prefix):
        found, known = _expert(found, options, here), True
        notes.append("an expert of a DynaMix, which weighs its experts anew at every step")
    chosen: dict[str, Any] = {}
    type_name = content.types.get(found.prefix, "")
    if type_name in _TYPES and _TYPES[type_name][0] == found.family:
        chosen.update(_TYPES[type_name][1])
    chosen.update(_options_in_file(content, found, here))
    chosen.update(options)
    if (decay := decays.get(found.keys.get("A", ""))) is not None:
        joined[found.keys["A"]] = decay
        notes.append(f"A is exp(-exp({decay}))")
    elif found.keys.get("A") in joined:
        AW = joined[found.keys["A"]]
        notes.append(f"A is the diagonal of {AW!r}, W is the rest of it")
        if found.keys.get("thresholds", "").endswith("thetas"):
            # The code that has AW adds its thresholds, and has one row of them for each unit.
            arrays[found.keys["thresholds"]] = -arrays[found.keys["thresholds"]].T
            notes.append("beside AW, thetas are added to the states: thresholds = -thetas.T")
    values = _oriented(found, {p: arrays[name] for p, name in found.keys.items()}, type_name, notes)
    if not known:
        also = ALSO.get(found.family)
        notes.insert(
            0,
            f"family {found.family} is guessed from the names of the arrays"
            + (f" (the same arrays can be: {also})" if also else ""),
        )
    if found.family == "LowRankRNN" and "clipped" not in chosen:
        raise ValueError(
            "the file does not say whether the units of its low-rank network are relu(x - h) or "
            "relu(x + h) - relu(x): give options={'clipped': False} or {'clipped': True}, in a "
            "shell rnndyn convert --option clipped=false or clipped=true"
        )
    if found.family == "RNN" and "nonlinearity" not in chosen:
        raise UnsaidNonlinearityError(
            "the file does not say whether its RNN has tanh or relu: give nonlinearity='tanh' or "
            "nonlinearity='relu', in a shell --nonlinearity tanh or relu"
        )
    notes.extend(
        f"{parameter} is {name!r}, guessed"
        for parameter, name in found.keys.items()
        if parameter not in keys
        and found.family != "DeepPLRNN"
        and not _is_plain(parameter, name, found.prefix)
    )
    if "C" in values and "s" not in values:
        values["s"] = np.zeros(values["C"].shape[-1])
        notes.append("the external input s is not in the file, s = 0 is used")
    elif "s" in values and "C" not in values:
        del values["s"]
    keys_in_file = {parameter: joined.get(name, name) for parameter, name in found.keys.items()}
    used = set(keys_in_file.values())
    model = FAMILIES[found.family].from_parameters({**values, **chosen})
    unused = [name for name in arrays if name not in used and name not in joined]
    said = family is not None or bool(keys) or prefix is not None
    if known and not said and any(_is_weight(name, arrays[name]) for name in unused):
        place = f"at {found.prefix!r:.60}" if found.prefix else "at its top"
        notes.append(f"only the {found.family} {place} is taken, of a larger network")
    unused += [f"{name} ({what})" for name, what in content.unread.items()]
    return Identified(model, keys_in_file, notes, unused)


def _is_weight(name: str, array: NDArray[Any]) -> bool:
    """Whether an array may be a weight: no number, text of a setting, or state of training."""
    places = local_name(name).lower().split(".")
    # JLD2 has its references there.
    bookkeeping = places[0].startswith("_")
    return (
        not bookkeeping
        and array.ndim > 0
        and array.dtype.kind == "f"
        and not any(word in place for place in places for word in _OF_TRAINING)
        and places[-1] not in BESIDE
    )


def _decays(arrays: dict[str, NDArray[Any]]) -> dict[str, str]:
    """Add A where a low-rank network has ``A = exp(-exp(AW))``; return where it is from."""
    found: dict[str, str] = {}
    for name, array in list(arrays.items()):
        start = next((name.removesuffix(end) for end in _DECAYS if name.endswith(end)), None)
        if start is None or start[-1:] not in ("", ".") or array.dtype.kind not in "fiu":
            continue
        if (
            all(f"{start}{part}" in arrays for part in ("m", "n", "h"))
            and f"{start}A" not in arrays
        ):
            with np.errstate(over="ignore"):
                decay = np.exp(-np.exp(arrays.pop(name).astype(np.float64)))
            # One for all latent states has four axes of length 1, those of batches and times.
            arrays[f"{start}A"] = decay.reshape(()) if decay.size == 1 else decay.reshape(-1)
            found[f"{start}A"] = name
    return found


def _split_joined(arrays: dict[str, NDArray[Any]]) -> dict[str, str]:
    """Add A and W where a file has their sum AW; return where they are from, by name."""
    joined: dict[str, str] = {}
    for name, array in list(arrays.items()):
        start, _, local = name.rpartition("AW")
        is_there = any(f"{start}{part}" in arrays for part in ("A", "W"))
        if local or start[-1:] not in ("", ".") or is_there:
            continue
        if array.ndim != 2 or array.shape[0] != array.shape[1] or array.dtype.kind not in "fiu":
            continue
        arrays[f"{start}A"] = np.diagonal(array)
        arrays[f"{start}W"] = array - np.diag(np.diagonal(array))
        joined[f"{start}A"] = joined[f"{start}W"] = name
    return joined


def _matched(
    content: Content,
    groups: Mapping[str, Mapping[str, str]],
    family: str | None,
    keys: Mapping[str, str],
    prefix: str | None,
) -> tuple[Match, bool]:
    """Return the match, and whether the family is known rather than guessed."""
    arrays = content.arrays
    if prefix is not None:
        prefix = prefix.removesuffix(".")
        if prefix not in groups:
            raise ValueError(f"no array has a name below {prefix!r:.60}; {_listed(content)}")
        groups = {prefix: groups[prefix]}
    matches: list[Match] = []
    typed: list[Match] = []
    # Names first, everywhere; shapes only if names lead to nothing.
    for by_shape in (False, True):
        for place, here in groups.items():
            type_name = content.types.get(place, "")
            if type_name in _REFUSED and family is None:
                raise ValueError(f"it holds a {type_name}: {_REFUSED[type_name]}")
            wanted = _TYPES[type_name][0] if family is None and type_name in _TYPES else family
            found = match(arrays, place, here, wanted, keys, by_shape=by_shape)
            if found is not None:
                matches.append(found)
                if type_name in _TYPES:
                    typed.append(found)
        if matches:
            break
    # Where the file names types, these are the models; other arrays may only look like one.
    matches = typed or _distinct(matches)
    if len(matches) > 1 and keys:
        # The one beside the arrays that the user named.
        beside = [m for m in matches if all(n.startswith(f"{m.prefix}.") for n in keys.values())]
        matches = beside or matches
    if not matches:
        what = f"{family} does not fit its arrays" if family else "no family fits its arrays"
        square = (n for n, a in arrays.items() if a.ndim == 2 and a.shape[0] == a.shape[1] > 1)
        example = next(square, next(iter(arrays), "name"))
        raise ValueError(
            f"{what}; {_listed(content)}; give the family, and by keys which array is which "
            f"parameter, such as family='PLRNN' and keys={{'W': {example!r:.60}}}"
        )
    if len(matches) > 1 and prefix is None and all(_is_expert(arrays, m.prefix) for m in matches):
        raise ValueError(
            f"it is a DynaMix of {len(matches)} experts, which are weighed anew at every step by "
            "what the network has seen, so that the whole is no map of states: choose an expert by "
            f"prefix, such as prefix={matches[0].prefix!r:.60}"
        )
    if len(matches) > 1:
        places = ", ".join(f"{m.family} at {m.prefix!r:.60}" for m in matches[:_SHOWN])
        raise ValueError(f"it holds several networks: {places}; choose one by prefix")
    sure = family is not None or bool(typed) or matches[0].family in ("RNN", "GRU", "LSTM")
    return matches[0], sure


def _distinct(matches: list[Match]) -> list[Match]:
    """Leave out a match whose arrays another one has; all keys given, every prefix matches."""
    distinct: dict[tuple[str, ...], Match] = {}
    for found in matches:
        distinct.setdefault(tuple(sorted(found.keys.values())), found)
    return list(distinct.values())


def _is_plain(parameter: str, name: str, prefix: str) -> bool:
    """Whether a name says by itself which parameter it is."""
    local = local_name(name[len(prefix) :].lstrip("."))
    return parameter in (local, f"{local}_l0", f"{FLUX_NAMES.get(local)}_l0")


def _options_in_file(content: Content, found: Match, here: Mapping[str, str]) -> dict[str, Any]:
    """Return options that the file holds as numbers or types beside the arrays."""
    options: dict[str, Any] = {}
    for name in OPTION_NAMES:
        array = content.arrays[here[name]] if name in here else None
        choices = getattr(FAMILIES[found.family], "_choices", {})
        if array is None or array.size != 1 or name not in choices:
            continue
        number = array.reshape(-1)[0]
        if math.isfinite(number) and number == int(number):
            options[name] = bool(number) if name == "clipped" else int(number)
    if found.family == "RNN":
        start = f"{found.prefix}." if found.prefix else ""
        for name, type_name in content.types.items():
            if name.startswith(start) and local_name(name[len(start) :]) == "activation":
                activation = type_name.lstrip("#")
                if activation not in _ACTIVATIONS:
                    raise ValueError(f"its activation {activation!r:.40} is neither tanh nor relu")
                options["nonlinearity"] = _ACTIVATIONS[activation]
    return options


def _oriented(
    found: Match, values: dict[str, NDArray[Any]], type_name: str, notes: list[str]
) -> dict[str, NDArray[Any]]:
    """Turn the arrays the way round that the family has them."""
    declared = getattr(FAMILIES[found.family], "_arrays", None)
    if declared is None:
        return {
            name: _flat(array) if name.startswith("bias") else array
            for name, array in values.items()
        }
    values = {
        name: _as_declared(array, {len(axes) for axes in declared[name].shapes})
        for name, array in values.items()
    }
    if any(array.ndim == 3 for array in values.values()):
        raise ValueError(
            "its arrays have one axis more than those of one model: checkpoints of a training run "
            "are read by rnndyn.load_checkpoints"
        )
    if {"W1", "W2", "h1", "h2"} <= set(values):
        n_states = len(values["A"]) if values["A"].ndim else 1
        W1, W2 = values["W1"], values["W2"]
        if W1.ndim == W2.ndim == 2 and W1.shape != W2.shape[::-1]:
            return values
        if W1.ndim == 2 and W1.shape[0] != n_states and W1.shape[1] == n_states:
            values["W1"], values["W2"] = W2, W1
            values["h1"], values["h2"] = values["h2"], values["h1"]
            for one, other in (("W1", "W2"), ("h1", "h2")):
                found.keys[one], found.keys[other] = found.keys[other], found.keys[one]
            notes.append(
                "W1 acts on the states here, by its shape: W1 and W2, h1 and h2 are swapped"
            )
    if "thresholds" in values and "alpha" in values and "W" in values:
        shape, wanted = values["thresholds"].shape, (values["alpha"].size, len(values["W"]))
        by_unit = type_name in _TYPES or local_name(found.keys["thresholds"]).endswith("H")
        if shape == wanted[::-1] and (shape != wanted or by_unit):
            values["thresholds"] = values["thresholds"].T
            notes.append("thresholds have one row for each unit in the file, they are transposed")
    return values


def _as_declared(array: NDArray[Any], dimensions: set[int]) -> NDArray[Any]:
    """Undo what programs without vectors, such as MATLAB, do to them: matrices with one row."""
    if array.ndim in dimensions and not (
        dimensions == {1, 2} and array.ndim == 2 and 1 in array.shape
    ):
        return array
    if 0 in dimensions and array.size == 1:
        return array.reshape(())
    return _flat(array) if 1 in dimensions else array


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array


def _check_activations(content: Content, found: Match) -> None:
    """Refuse a feedforward network between whose layers the file has something else than ReLUs."""
    inner = [name for name in found.keys.values() if name.endswith(".weight")]
    for name in inner if found.family == "DeepPLRNN" else []:
        place = f"{name.removesuffix('weight')}activation"
        activation = content.types.get(place, "relu").lstrip("#")
        if activation not in ("relu", "identity"):
            raise ValueError(f"the activation {activation!r:.40} of its layers is not relu")


def _is_expert(arrays: Mapping[str, NDArray[Any]], prefix: str) -> bool:
    """Whether a prefix is that of one of the experts of a DynaMix."""
    owner = _EXPERT.fullmatch(prefix)
    gate = f"{owner['start']}gating_network." if owner else ""
    return owner is not None and any(name.startswith(gate) for name in arrays)


def _expert(found: Match, options: Mapping[str, Any], here: Mapping[str, str]) -> Match:
    """Return the match with the family that the experts of a DynaMix have."""
    if found.family == "ShallowPLRNN":
        return found._replace(family="ClippedShallowPLRNN")
    if found.family == "PLRNN" and "n_relu" not in options and "n_relu" not in here:
        raise ValueError(
            "it is an expert of a DynaMix, an ALRNN of which the file does not say how many states "
            "are rectified: give options={'n_relu': P}, P of its settings, in a shell rnndyn "
            "convert --option n_relu=P"
        )
    return found


def _check_unread(
    content: Content, found: Match, keys: Mapping[str, str], notes: list[str]
) -> None:
    """Refuse a network of which the file has a parameter that was not read; note other arrays."""
    for name, what in content.unread.items():
        prefix, _, local = name.rpartition(".")
        missing = parameters_called(local_name(local)) - set(keys)
        if missing and prefix == found.prefix:
            raise ValueError(
                f"{name!r:.60} is {what}, and parameters are dense arrays of real numbers; save it "
                "as such"
            )
        notes.append(f"{name!r:.60} is {what} and is not read")


def _check_strangers(
    arrays: Mapping[str, NDArray[Any]],
    found: Match,
    family: str | None,
    keys: Mapping[str, str],
    notes: list[str],
) -> None:
    """Refuse arrays that make it another network, unless the user says what it is."""
    names = strangers(arrays, found)
    if not names:
        return
    more = ", ..." if len(names) > _SHOWN else ""
    listed = f"{', '.join(names[:_SHOWN])}{more}"
    if family is None and not any(name in keys for name in found.keys):
        raise ValueError(
            f"it has the arrays of a {found.family} and beside these {listed}, which a "
            f"{found.family} does not have, so it is another network; where these play no part in "
            f"the step, give family={found.family!r}"
        )
    notes.append(f"beside the arrays of the {found.family} and not used: {listed}")


def _listed(content: Content) -> str:
    arrays = content.arrays
    unread = "".join(f", and {name:.60} ({what})" for name, what in content.unread.items())
    if not arrays:
        return f"the file holds no array of numbers{unread}"
    shown = [
        f"{name or '(no name)':.60} {array.shape}" for name, array in list(arrays.items())[:_SHOWN]
    ]
    more = f" and {len(arrays) - _SHOWN} more" if len(arrays) > _SHOWN else ""
    return f"the file holds {', '.join(shown)}{more}{unread:.200}"
