"""The page: sections of HTML, the figures as data, and the code that draws them."""

import base64
import functools
import gzip
import hashlib
import json
import platform
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import numpy as np

from rnndyn._common.optional import import_optional
from rnndyn._common.words import counted, orders_text
from rnndyn._version import __version__
from rnndyn.citing.citation import cite
from rnndyn.cycles._table import continuum_line, sureness
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.cycles.result import CycleSet
from rnndyn.lyapunov._table import error_text
from rnndyn.reporting import _by_input, _drawing, _figures, _html, _spaces, _tables
from rnndyn.reporting._attractors import attractor_of_spectrum
from rnndyn.reporting._content import Content
from rnndyn.reporting._state_space import N_STEPS


def page(content: Content) -> str:
    """Return the whole page as HTML."""
    figures = _all_figures(content)
    sections = {
        "model": ("Model", _model(content)),
        "cycles": ("Fixed points and cycles", _cycles(content)),
        "inputs": ("Several inputs", _by_input.section(content.by_input, content.cycles)),
        "state-space": ("State space", _state_space(content)),
        "outputs": ("Outputs", _outputs(content)),
        "multipliers-of-cycles": ("Multipliers", _multipliers(figures)),
        "lyapunov-exponents": ("Lyapunov exponents", _lyapunov(content)),
        "completeness": ("Is anything missing?", _completeness(content.cycles)),
        "made": ("How this page was made", _made(content)),
        "citation": ("What to cite", _citation(content)),
    }
    sections = {name: section for name, section in sections.items() if section[1]}
    links = "".join(f'<a href="#{name}">{title}</a>' for name, (title, _) in sections.items())
    body = "".join(
        f'<section id="{name}"><h2>{title}</h2>{html}</section>'
        for name, (title, html) in sections.items()
    )
    drawing = _packed_drawing()
    own = _script_text(_asset("page.js"))
    data = json.dumps({"plots": figures, "light": _drawing.LIGHT}, allow_nan=False)
    # In a script only "<" could end the data early; JSON has an escape for it.
    data = data.replace("<", "\\u003c")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(own)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="rnndyn {__version__}">
<title>{_html.text(content.title)}</title>
<style>{_asset("page.css")}</style>
</head>
<body>
<header>
<h1>{_html.text(content.title)}</h1>
<p class="lead">{_html.text(_subtitle(content))}</p>
<nav aria-label="Sections">{links}</nav>
<div class="cards">{_cards(content)}</div>
</header>
<main>
<noscript><p class="warning">Without JavaScript there are no figures; all tables are here.</p>\
</noscript>
{body}
</main>
<footer><p>Made by rnndyn {__version__}. This page is one file and loads nothing from outside.</p>
</footer>
<script type="application/json" id="figures">{data}</script>
<script type="application/gzip" id="drawing">{drawing}</script>
<script>{own}</script>
</body>
</html>
"""


@functools.cache
def _packed_drawing() -> str:
    """Return plotly.js as a page holds it: packed, so that the page is less than half as large."""
    code = _script_text(import_optional("plotly.offline", "a report").get_plotlyjs())
    # Without a time, so that the same page is the same file.
    return base64.b64encode(gzip.compress(code.encode(), 9, mtime=0)).decode("ascii")


def _asset(name: str) -> str:
    return resources.files("rnndyn.reporting").joinpath(name).read_text("utf-8")


def _script_text(code: str) -> str:
    # Browsers turn line ends into "\n" before they compute the hash.
    return code.replace("\r\n", "\n").replace("\r", "\n")


def _policy(*scripts: str) -> str:
    """Let the browser run these scripts only, and load nothing from anywhere.

    Whatever a model's metadata holds, it could not run even if it were not escaped. plotly.js is
    unpacked from the page, and compiles code for figures in space, hence 'unsafe-eval'.
    """
    hashes = [
        base64.b64encode(hashlib.sha256(code.encode()).digest()).decode("ascii") for code in scripts
    ]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _all_figures(content: Content) -> dict[str, _drawing.Figure]:
    figures = {}
    if _has_states(content):
        figures["space"] = _spaces.state_space(content)
    if content.readout is not None:
        figures["output"] = _spaces.outputs(content)
    if content.shown:
        figures["multipliers"] = _figures.multipliers(content.shown)
    if content.spectrum is not None:
        figures["exponents"] = _figures.lyapunov(content.spectrum)
        if len(content.spectrum.window_steps) > 1:
            figures["convergence"] = _figures.convergence(content.spectrum)
    return figures


def _has_states(content: Content) -> bool:
    """Tell whether there is anything to draw in state space."""
    own = content.data and content.readout is None
    found = content.cycles is not None and (content.shown or content.cycles.continua)
    return bool(own or found or content.orbits)


def _family(model: Any) -> str:
    return str(getattr(model, "family", type(model).__name__))


def _n_parameters(model: Any) -> int:
    return sum(array.size for array in getattr(model, "parameters", {}).values())


def _subtitle(content: Content) -> str:
    model = content.model
    parts = [f"{_family(model)} with {counted(model.n_states, 'state')}"]
    if hasattr(model, "n_units"):
        parts.append(counted(model.n_units, "hidden unit"))
    if _n_parameters(model):
        parts.append(counted(_n_parameters(model), "parameter"))
    return ", ".join(parts)


def _stability_counts(cycles: CycleSet) -> str:
    counts: Counter[str] = Counter()
    for block in cycles.blocks:
        for code, name in enumerate(STABILITY_NAMES):
            counts[name] += int((block.stability == code).sum())
    return ", ".join(f"{counts[name]:,} {name}" for name in STABILITY_NAMES if counts[name])


def _cards(content: Content) -> str:
    cards = []
    cycles, spectrum = content.cycles, content.spectrum
    if cycles is not None:
        orders = orders_text(r.order for r in cycles.search.orders)
        what = f"fixed points and cycles, {orders}" if len(cycles) else f"of {orders}"
        found = f"{len(cycles):,}" if len(cycles) else "no cycle found"
        if len(cycles):
            what += f": {_stability_counts(cycles)}; {_proofs_of_cycles(cycles)}"
        cards.append((found, what))
        cards.append(_sureness_card(cycles))
    known = sorted(content.attractors, key=lambda attractor: attractor.exponent)
    if len(known) > 1:
        ends = (_figures.shortened(a.exponent, a.error) for a in (known[0], known[-1]))
        span = " to ".join(dict.fromkeys(ends))
        what = f"largest Lyapunov exponents of {len(known):,} attractors, nats per step"
        cards.append((f"λ₁ = {span}", what))
    elif spectrum is not None:
        error = float(spectrum.pooled_standard_error[0])
        value = _figures.short_number(spectrum, 0)
        what = "largest Lyapunov exponent"
        if spectrum.unbounded.any():
            what += " of an orbit that grows without bound"
        cards.append(
            (
                f"λ₁ = {value}",
                f"± {error_text(error)}, {what}, {spectrum.units.text}",
            )
        )
    return "".join(
        f'<div class="card"><b>{_html.text(big)}</b><span>{_html.text(small)}</span></div>'
        for big, small in cards
    )


def _proofs_of_cycles(cycles: CycleSet) -> str:
    """Say how many of the cycles are proved to exist."""
    n_proved = sum(int(block.certified.sum()) for block in cycles.blocks)
    if n_proved == len(cycles):
        return "each proved to exist" if len(cycles) > 1 else "proved to exist"
    return f"{n_proved:,} of them proved to exist"


def _sureness_card(cycles: CycleSet) -> tuple[str, str]:
    search = cycles.search
    asked = {record.order for record in search.orders}
    sure = {record.order for record in search.orders if record.complete}
    if cycles.certificate is not None:
        sure |= set(cycles.certificate.proved_orders)
        sure -= {block.order for block in cycles.certificate.undecided.blocks}
    if not search.finished:
        return "incomplete", "the search was stopped before its end"
    if asked <= sure:
        return "complete", "no cycle of these orders is missing, see “Is anything missing?”"
    if any(record.n_missing for record in search.orders):
        return "incomplete", "the index sum says that something is missing, see below"
    bound = search.coverage_lower
    rest = orders_text(asked - sure)
    open_ = f"{rest}: nothing says that none is missing"
    if bound is not None:
        open_ = f"{rest}: coverage at least {100.0 * min(bound, 0.9999):.4g} % (90 % confidence)"
    if not sure:
        return "not proved", f"{open_}, see “Is anything missing?”"
    return f"{orders_text(asked & sure)} proved", f"{open_}, see “Is anything missing?”"


def _model(content: Content) -> str:
    model = content.model
    facts: list[tuple[object, object]] = [("family", _family(model))]
    facts.append(("states", f"{model.n_states:,}"))
    if hasattr(model, "n_units"):
        facts.append(("hidden units", f"{model.n_units:,}, so up to 2^{model.n_units} regions"))
    facts.append(("external inputs", f"{model.n_inputs:,}"))
    facts += getattr(model, "options", {}).items()
    html = _html.definitions(facts)
    if _n_parameters(model):
        html += _tables.parameters(model)
    if content.metadata:
        pairs = [(name, _plain(value)) for name, value in content.metadata.items()]
        html += "<h3>What its file says</h3>" + _html.definitions(pairs)
    return html


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _cycles(content: Content) -> str:
    cycles = content.cycles
    if cycles is None:
        return _html.paragraph(content.no_cycles)
    notes = "".join(
        _html.paragraph(continuum_line(continuum).strip().capitalize())
        for continuum in cycles.continua
    )
    if not content.shown:
        return _html.paragraph("No cycle was found.") + notes
    html = (
        '<p class="quiet screen">Click a heading to sort, a row to mark its cycle in the figures.'
        "</p>"
    )
    if len(content.shown) < len(cycles):
        html += _html.paragraph(
            f"{len(content.shown):,} of {len(cycles):,} cycles are listed and drawn here, stable "
            "ones first; max_cycles sets how many.",
            "warning",
        )
    return html + _tables.cycles(content.shown, cycles.search) + notes


def _state_space(content: Content) -> str:
    if not _has_states(content):
        return _html.paragraph(
            "There is nothing to draw: no cycle was found, and all orbits diverge."
        )
    n = content.model.n_states
    how = {1: "The next state over the state.", 2: "The two states.", 3: "The three states."}
    of_data = " and the data" if content.data and content.readout is None else ""
    components = f"Three principal components of the {n} states: those of the attractors{of_data}"
    words = [how.get(n, f"{components}, and where these have fewer, of the other cycles.")]
    if n > 2:
        words.append("Drag to turn, scroll to zoom.")
    if content.driven:
        but = ", the cycles are not" if content.shown else ""
        words.append(f"The orbits are driven by the input sequences{but}.")
    elif content.orbits:
        words.append("Grey: orbits from random states.")
    if of_data:
        words += _about_data(content)
    return _html.paragraph(" ".join(words), "quiet") + _html.figure(
        "space", "Orbits and cycles in state space", "square" if n == 1 else ""
    )


def _about_data(content: Content) -> list[str]:
    stride = _spaces.data_stride(content)
    words = [f"Violet: the data, {counted(len(content.data), 'sequence')}."]
    if stride > 1:
        n = sum(map(len, content.data))
        words.append(f"One of {stride} of their {n:,} points is drawn.")
    return words


def _outputs(content: Content) -> str:
    readout = content.readout
    if readout is None:
        return ""
    n = readout.n_outputs
    words = ["What the readout makes of the orbits and cycles."]
    if n == 1:
        words.append("The next output over the output.")
    elif n > 3:
        whose = "data" if content.data else "attractors"
        words.append(f"Three principal components of the {n} outputs, those of the {whose}.")
    if content.data:
        words += _about_data(content)
    return _html.paragraph(" ".join(words), "quiet") + _html.figure(
        "output", "Outputs of orbits and cycles, and the data", "square" if n == 1 else ""
    )


def _multipliers(figures: Mapping[str, Any]) -> str:
    if "multipliers" not in figures:
        return ""
    words = (
        "Eigenvalues of the Jacobian over one period. A cycle attracts if all of its multipliers "
        "are inside the unit circle."
    )
    if figures["multipliers"]["layout"]["annotations"]:
        words += " Outside it the scale is logarithmic."
    description = "Multipliers of the cycles in the complex plane, with the unit circle"
    return _html.paragraph(words, "quiet") + _html.figure("multipliers", description, "square")


def _lyapunov(content: Content) -> str:
    spectrum = content.spectrum
    if spectrum is None:
        return _attractors(content) + _html.paragraph(content.no_spectrum, "warning")
    html = _attractors(content)
    words = "Bars are 95 % intervals."
    settled = attractor_of_spectrum(content.cycles, spectrum)
    if settled is not None:
        words += f" They are the exponents of cycle {settled}, on which the orbit has settled."
    if content.driven:
        words += " The network is driven by the input sequences."
    html += _html.paragraph(words, "quiet")
    html += _html.figure("exponents", "Lyapunov exponents with 95 % intervals", "low")
    html += f'<div class="scroll">{_tables.exponents(spectrum)}</div>'
    if len(spectrum.window_steps) > 1:
        html += "<h3>How the estimates settled</h3>"
        html += _html.figure("convergence", "Running estimates of the exponents", "low")
    return html


def _attractors(content: Content) -> str:
    if content.driven or not content.orbits:
        return ""
    n_settled = sum(attractor.n_orbits for attractor in content.attractors)
    n = len(content.orbits)
    n_left = sum(len(orbit) <= N_STEPS for orbit in content.orbits)
    words = f"Where {counted(n, 'orbit')} from random states went."
    if n_left:
        words += f" {n_left:,} of them ran away."
    if n_settled + n_left < n:
        words += f" Of {n - n_settled - n_left:,} it could not be told."
    html = "<h3>The largest exponent of each attractor</h3>" + _html.paragraph(words, "quiet")
    if not content.attractors:
        return html
    which = "The spectrum of one of them" if len(content.attractors) > 1 else "Its spectrum"
    return html + _tables.attractors(content.attractors) + f"<h3>{which}</h3>"


def _completeness(cycles: CycleSet | None) -> str:
    if cycles is None:
        return ""
    html = "".join(_html.paragraph(line) for line in sureness(cycles))
    html += _tables.orders(cycles.search)
    certificate = cycles.certificate
    if certificate is not None and certificate.parts:
        items = "".join(f"<li>{_html.text(part.line)}</li>" for part in certificate.parts)
        n = counted(len(certificate.parts), "part")
        html += f"<details><summary>The proof has {n}</summary><ul>{items}</ul></details>"
    return html


def _made(content: Content) -> str:
    facts: list[tuple[object, object]] = [
        ("rnndyn", __version__),
        ("Python, NumPy", f"{platform.python_version()}, {np.__version__}"),
        ("plotly.py", import_optional("plotly", "a report").__version__),
        ("machine", f"{platform.system()}, {platform.machine()}"),
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
    ]
    html = _html.definitions(facts)
    if content.cycles is not None:
        search = content.cycles.search
        html += "<h3>Search for cycles</h3>" + _run(
            search.options, search.seed, search.seconds, search.n_threads, search.version
        )
    if content.spectrum is not None:
        run = content.spectrum.run
        html += "<h3>Lyapunov exponents</h3>" + _run(
            run.options, run.seed, run.seconds, run.n_threads, run.version
        )
    return html + _html.paragraph(
        "The same seed and options give the same result for any number of threads.", "quiet"
    )


def _run(
    options: Mapping[str, Any], seed: int, seconds: float, n_threads: int, version: str
) -> str:
    given = {name: value for name, value in options.items() if value is not None}
    facts: list[tuple[object, object]] = [("seed", seed)]
    facts += [(name, _shortened(_plain(value))) for name, value in given.items()]
    facts.append(("took", f"{seconds:.3g} s on {counted(n_threads, 'thread')}"))
    return _html.definitions([*facts, ("version", version)])


def _shortened(value: str) -> str:
    return value if len(value) <= 400 else f"{value[:397]}..."


def _citation(content: Content) -> str:
    results = [content.model, content.cycles, content.spectrum]
    cited = cite(*(result for result in results if result is not None))
    items = "".join(
        f"<li>{_html.text(citation.reference.text)} "
        f'<span class="quiet">For {_html.text(citation.purpose)}.</span></li>'
        for citation in cited
    )
    return (
        f'<ol class="references">{items}</ol>'
        f'<details class="screen"><summary>BibTeX</summary><pre>{_html.text(cited.bibtex)}</pre>'
        "</details>"
    )
