"""How a Lyapunov spectrum looks in a terminal and in a notebook."""

import numpy as np

from rnndyn._common.words import counted
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.results.table import Row, Table, head_and_tail, table_of


@table_of.register
def _table(spectrum: LyapunovSpectrum) -> Table:
    headings, rows = _headings_and_rows(spectrum)
    return Table(_title(spectrum), headings, rows, {"converged"}, _notes(spectrum))


def _title(spectrum: LyapunovSpectrum) -> str:
    m, n = spectrum.n_exponents, spectrum.n_states
    how_many = counted(m, "Lyapunov exponent")
    if m < n:
        how_many = f"largest {how_many}"
    family, states = spectrum.run.model["family"], counted(n, "state")
    title = f"{how_many} of {family} ({states}), {spectrum.units.text}"
    if spectrum.n_sequences > 1:
        title += f", mean of {spectrum.n_sequences:,} sequences"
    return title


def _headings_and_rows(spectrum: LyapunovSpectrum) -> tuple[Row, list[Row]]:
    several = spectrum.n_sequences > 1
    layered = not several and bool((spectrum.layer != spectrum.layer[0, 0]).any())
    values = spectrum.pooled if several else spectrum.exponents[0]
    errors = spectrum.pooled_standard_error if several else spectrum.standard_error[0]
    converged = spectrum.pooled_converged if several else spectrum.converged[0]
    exact = np.all(spectrum.exact, axis=0).tolist()
    headings: Row = ("#", "exponent", "standard error")
    if several:
        headings += ("smallest", "largest")
    if layered:
        headings += ("layer",)

    def row(index: int) -> Row:
        value, error = float(values[index]), float(errors[index])
        cells: Row = (str(index), number_text(value, error), error_text(error))
        if several:
            column = spectrum.exponents[:, index]
            cells += (
                number_text(float(column.min()), error),
                number_text(float(column.max()), error),
            )
        if layered:
            cells += (str(spectrum.layer[0, index]),)
        return *cells, "exact" if exact[index] else "yes" if converged[index] else "no"

    return (*headings, "converged"), head_and_tail(range(spectrum.n_exponents), row)


def number_text(value: float, error: float) -> str:
    """Write a number to the second digit of its error, at most 12 decimals."""
    if np.isinf(value) or error == 0.0:
        return f"{value:g}"
    if np.isinf(error):
        return f"{value:.4g}"
    decimals = 12 if error <= 1e-12 else int(min(max(1 - np.floor(np.log10(error)), 0), 12))
    return f"{value:.{decimals}f}"


def error_text(error: float) -> str:
    """Write an error to two digits."""
    if np.isinf(error):
        return "unknown"
    return f"{error:#.2g}" if error else "0"


def _notes(spectrum: LyapunovSpectrum) -> list[str]:
    several = spectrum.n_sequences > 1
    lines = []
    entropy = spectrum.pooled_entropy_sum if several else float(spectrum.entropy_sum[0])
    entropy_error = (
        spectrum.pooled_entropy_sum_error if several else float(spectrum.entropy_sum_error[0])
    )
    note = "No positive exponent"
    if entropy or entropy_error:
        note = f"Sum of positive exponents {_with_error(entropy, entropy_error)}"
    if spectrum.dimension_is_known:
        pair = (
            (spectrum.pooled_kaplan_yorke_dimension, spectrum.pooled_kaplan_yorke_error)
            if several
            else (
                float(spectrum.kaplan_yorke_dimension[0]),
                float(spectrum.kaplan_yorke_error[0]),
            )
        )
        note += f", Kaplan-Yorke dimension {_with_error(*pair)}"
    lines.append(note)
    steps, wanted = spectrum.n_steps, spectrum.run.options.get("n_steps", spectrum.n_steps)
    if spectrum.run.finished:
        transient = spectrum.run.options["transient"]
        lines.append(f"{counted(steps, 'step')} after a transient of {transient:,}")
    else:
        lines.append(spectrum.run.incomplete_text(f"{steps:,} of {wanted:,} steps"))
    lines += _orbit_notes(spectrum)
    # What is known well enough all the same needs no word.
    count = int((spectrum.autocorrelated & ~spectrum.converged).sum())
    if count:
        total = spectrum.autocorrelated.size
        lines.append(
            f"Errors uncertain for {count:,} of {total:,} exponents: the growth correlates over "
            "the whole run, or the run is too short to tell; take more steps"
        )
    count = int((spectrum.drifting & ~spectrum.converged).sum())
    if count:
        total = spectrum.drifting.size
        lines.append(
            f"The transient is not over for {count:,} of {total:,} exponents: the growth still "
            "drifts; take more steps or a longer transient"
        )
    return lines


def _orbit_notes(spectrum: LyapunovSpectrum) -> list[str]:
    n = spectrum.n_sequences
    lines = []
    n_unbounded = int(spectrum.unbounded.sum())
    if n_unbounded:
        orbits = "The orbit grows" if n == 1 else f"{n_unbounded:,} of {n:,} orbits grow"
        lines.append(f"UNBOUNDED: {orbits} without bound, so these are exponents of no attractor")
    n_settled = int((spectrum.orbit > 0).sum())
    if n_settled:
        orbits = "The orbit settles" if n == 1 else f"{n_settled:,} of {n:,} orbits settle"
        shortest = int(spectrum.orbit[spectrum.orbit > 0].min())
        longest = int(spectrum.orbit.max())
        where = "a fixed point" if longest == 1 else f"a cycle of order {longest}"
        if n > 1:
            where = (
                "fixed points"
                if longest == 1
                else f"cycles of order {shortest}"
                if shortest == longest
                else f"cycles of order {shortest} to {longest}"
            )
        positive = (spectrum.exponents[spectrum.orbit > 0] > 0.0).any()
        by_chance = ", unstable and met by rounding or from the start" if positive else ""
        lines.append(f"{orbits} on {where}{by_chance}")
    return lines


def _with_error(value: float, error: float) -> str:
    return f"{number_text(value, error)} ± {error_text(error)}"
