"""What a model file holds, whatever its format: described in docs/reference/model-format.md."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from rnndyn._version import __version__
from rnndyn.models import FAMILIES, DifferentiableMap, Model, PiecewiseLinearModel

FORMAT = "rnndyn model"
#: Raised when a reader of the last version could not understand a new file.
FORMAT_VERSION = 1

_REQUIRED = ("format", "format_version", "family")
_OPTIONAL = ("options", "metadata", "written_by")


class ModelRecord(NamedTuple):
    """A model taken apart."""

    family: str
    parameters: Mapping[str, Any]
    options: Mapping[str, Any]
    metadata: dict[str, Any]


def record_of(model: Model | DifferentiableMap, metadata: Mapping[str, Any] | None) -> ModelRecord:
    """Take a model apart."""
    if not isinstance(model, Model):
        raise TypeError(
            "model must be a model of rnndyn.models, whose numbers a file can hold, got "
            f"{type(model).__name__}"
        )
    if FAMILIES.get(model.family) is not type(model):
        raise ValueError(
            f"no file of {model.family} could be read back, because it is not in "
            "rnndyn.models.FAMILIES; decorate its class with rnndyn.models.register_family"
        )
    kept = dict(metadata or {})
    try:
        unchanged = json.loads(json.dumps(kept, allow_nan=False)) == kept
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"metadata cannot be written as JSON: {error}") from None
    if not unchanged:
        raise ValueError(
            "metadata would change when written as JSON: use str for all keys and lists, not tuples"
        )
    return ModelRecord(model.family, model.parameters, model.options, kept)


def model_of(record: ModelRecord) -> Model:
    """Put a model together again.

    Raises
    ------
    ValueError, TypeError
        If the parameters do not fit the family.
    """
    both = set(record.parameters) & set(record.options)
    if both:
        raise ValueError(f"{min(both)!r} is both a parameter and an option")
    return FAMILIES[record.family].from_parameters({**record.parameters, **record.options})


def header_of(record: ModelRecord) -> dict[str, Any]:
    """Return everything but the parameter arrays, ready for JSON."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "written_by": f"rnndyn {__version__}",
        "family": record.family,
        "options": dict(record.options),
        "metadata": record.metadata,
    }


def record_from(header: object, parameters: Mapping[str, Any]) -> ModelRecord:
    """Check a header and join it with the parameters."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        kind = header.get("format") if isinstance(header, dict) else None
        if isinstance(kind, str) and kind.startswith("rnndyn "):
            raise ValueError(f"it is a {kind.removeprefix('rnndyn ')}: use rnndyn.load_result")
        raise ValueError(f'it does not say "format": "{FORMAT}", so it is no model file of rnndyn')
    version = header.get("format_version")
    if type(version) is not int or version < 1:
        raise ValueError(f"format_version must be a whole number from 1, got {version!r:.60}")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"its format is version {version}, this rnndyn reads up to version {FORMAT_VERSION}; "
            "install a newer rnndyn"
        )
    for name in _REQUIRED:
        if name not in header:
            raise ValueError(f'"{name}" is missing')
    for name in header:
        if name not in (*_REQUIRED, *_OPTIONAL):
            raise ValueError(f'unknown entry "{name:.60}"; put your own entries into "metadata"')
    family = header["family"]
    if not isinstance(family, str) or family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {family!r:.60}")
    options, metadata = header.get("options", {}), header.get("metadata", {})
    for name, value in (("options", options), ("metadata", metadata)):
        if not isinstance(value, dict):
            raise ValueError(f'"{name}" must be an object, got {value!r:.60}')
    return ModelRecord(family, parameters, options, metadata)


def piecewise_linear_model_of(
    header: object, parameters: Mapping[str, Any], what: str
) -> PiecewiseLinearModel:
    """Put together the model of a result; `what` of it only piecewise-linear models have."""
    model = model_of(record_from(header, parameters))
    if not isinstance(model, PiecewiseLinearModel):
        raise ValueError(f"{what} are those of a piecewise-linear model, but it names {model!r}")
    return model


def parse_json(text: str) -> Any:
    """Parse JSON strictly: no NaN or Infinity, no entry twice."""

    def refuse_constant(constant: str) -> Any:
        raise ValueError(f"{constant} is not allowed: all numbers must be finite")

    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f'"{twice:.60}" is there twice')
        return entries

    try:
        return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=refuse_duplicates)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not valid JSON: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
