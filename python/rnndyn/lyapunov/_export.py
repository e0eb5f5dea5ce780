"""Lyapunov spectra as plain dictionaries, data frames and labelled arrays."""

from typing import Any

import numpy as np

from rnndyn._common.words import plain
from rnndyn.lyapunov.result import PER_EXPONENT, LyapunovSpectrum
from rnndyn.results.export import LabelledArrays, columns_of, dictionary_of, labelled_of


@dictionary_of.register
def _dictionary(spectrum: LyapunovSpectrum) -> dict[str, Any]:
    """Return numbers, lists and strings for JSON, without the record of windows."""
    lower, upper = spectrum.interval()
    pooled_lower, pooled_upper = spectrum.pooled_interval()
    known = spectrum.dimension_is_known
    values: dict[str, Any] = {
        "model": {name: spectrum.run.model[name] for name in ("family", "n_states")},
        "units": {"per": spectrum.per, "dt": spectrum.dt, "base": spectrum.base},
        "n_steps": spectrum.n_steps,
        "n_batches": spectrum.n_batches,
        "run": spectrum.run.to_dict(),
        "pooled": {
            "exponents": spectrum.pooled,
            "standard_error": spectrum.pooled_standard_error,
            "lower": pooled_lower,
            "upper": pooled_upper,
            "converged": spectrum.pooled_converged,
            "entropy_sum": spectrum.pooled_entropy_sum,
            "entropy_sum_error": spectrum.pooled_entropy_sum_error,
            "kaplan_yorke_dimension": spectrum.pooled_kaplan_yorke_dimension if known else None,
            "kaplan_yorke_error": spectrum.pooled_kaplan_yorke_error if known else None,
        },
        "sequences": [
            {
                **{name: getattr(spectrum, name)[index] for name in PER_EXPONENT},
                "lower": lower[index],
                "upper": upper[index],
                "exponent_sum": spectrum.exponent_sum[index],
                "entropy_sum": spectrum.entropy_sum[index],
                "kaplan_yorke_dimension": spectrum.kaplan_yorke_dimension[index] if known else None,
                "kaplan_yorke_error": spectrum.kaplan_yorke_error[index] if known else None,
                "qr_interval": spectrum.qr_interval[index],
                "orbit": spectrum.orbit[index],
                "unbounded": spectrum.unbounded[index],
            }
            for index in range(spectrum.n_sequences)
        ],
    }
    result: dict[str, Any] = plain(values)
    return result


@columns_of.register
def _columns(spectrum: LyapunovSpectrum, table: str) -> dict[str, Any]:
    """Return one row per sequence and exponent as columns."""
    n, m = spectrum.n_sequences, spectrum.n_exponents
    lower, upper = spectrum.interval()
    named = {name: getattr(spectrum, name).ravel() for name in PER_EXPONENT}
    return {
        "sequence": np.repeat(np.arange(n), m),
        "index": np.tile(np.arange(m), n),
        "exponent": named.pop("exponents"),
        **named,
        "lower": lower.ravel(),
        "upper": upper.ravel(),
    }


@labelled_of.register
def _labelled(spectrum: LyapunovSpectrum) -> LabelledArrays:
    """Return what has one entry per sequence, exponent or window with the names of dimensions."""
    dimensions = {
        **dict.fromkeys((*PER_EXPONENT, "lower", "upper"), ("sequence", "exponent")),
        **dict.fromkeys(("pooled", "pooled_standard_error"), ("exponent",)),
        "running": ("window", "sequence", "exponent"),
        "running_steps": ("window",),
        "window_steps": ("window",),
        "states": ("sequence", "state"),
        "covariant_steps": ("sample",),
        "covariant_vectors": ("sequence", "sample", "state", "exponent"),
    }
    variables = {
        name: (dimensions.get(name, ("sequence",)), array)
        for name, array in spectrum.to_arrays().items()
    }
    attributes = {
        "units": spectrum.units.text,
        "family": spectrum.run.model["family"],
        "n_steps": spectrum.n_steps,
        "seed": str(spectrum.run.seed),
        "stopped_by": spectrum.stopped_by,
        "rnndyn_version": spectrum.run.version,
    }
    coordinates = {
        "sequence": np.arange(spectrum.n_sequences),
        "exponent": np.arange(spectrum.n_exponents),
        "running_steps": variables.pop("running_steps"),
    }
    return LabelledArrays(variables, coordinates, attributes)
