"""``rnndyn demo``: search the published networks, print a table and draw their cycles."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnndyn import examples, plot
from rnndyn._common.optional import MissingPackageError
from rnndyn._common.progress import Progress, ProgressMeter, make_progress_meter
from rnndyn._common.words import plain
from rnndyn.cli._arguments import add_command, add_effort, add_json
from rnndyn.cli._exit_codes import ExitCode
from rnndyn.cli._outputs import prepare_plot, save_figure
from rnndyn.cycles._table import cycle_cells
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.search import find_cycles
from rnndyn.results.table import align_columns

_DEFAULT_PICTURE = Path("rnndyn-demo.png")
_HEADINGS = (
    "network", "order", "stability", "spectral radius", "margin", "hits", "certified",
)  # fmt: skip
_LEFT_ALIGNED = {"network", "stability", "certified"}
_PANELS_PER_ROW = 4

_EPILOG = """\
examples:
  rnndyn demo
  rnndyn demo --plot cycles.pdf
  rnndyn demo --json | jq -r '.networks[] | [.name, .n_at_known_order] | @tsv'

Ctrl-C ends the demonstration and shows what was found until then (exit code 130).
"""


class _Result(NamedTuple):
    system: examples.PublishedSystem
    cycles: CycleSet

    @property
    def n_at_known_order(self) -> int:
        return len(self.cycles.of_order(self.system.order))


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "demo",
        summary="search the bundled networks and draw their cycles",
        description="Find the cycles of the bundled published networks, up to the order that each\n"
        "is known for, print them, and draw them in state space.",
        epilog=_EPILOG,
    )
    add_effort(parser, "for every network; stop then and show what was found")
    add_json(parser)
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help=f"the picture (default: {_DEFAULT_PICTURE})"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search, print and draw; return the exit code."""
    path = options.plot or _DEFAULT_PICTURE
    try:
        pyplot = prepare_plot(path)
    except MissingPackageError as error:
        if options.plot:
            raise
        print(f"rnndyn: no picture: {error}", file=sys.stderr)
        pyplot = None
    start = time.perf_counter()
    results = _search_all(options)
    seconds = time.perf_counter() - start
    interrupted = any(result.cycles.search.stopped_by == "interrupt" for result in results)
    if pyplot is not None:
        _draw(pyplot, results, path)
    picture = None if pyplot is None else str(path)
    if options.json:
        print(json.dumps(_to_dict(results, seconds, picture), allow_nan=False))
    else:
        print("\n".join(_report(results, seconds)))
        if picture is not None:
            print(f"Picture: {picture}")
    return ExitCode.INTERRUPTED if interrupted else ExitCode.DONE


def _search_all(options: argparse.Namespace) -> list[_Result]:
    """Search every published network; after Ctrl-C return what was found until then."""
    known = [examples.info(name) for name in examples.names()]
    systems = [system for system in known if isinstance(system, examples.PublishedSystem)]
    meter = make_progress_meter(options.progress)
    meter.init("rnndyn demo")
    results = []
    try:
        for number, system in enumerate(systems):
            part = _PartOfMeter(meter, number, len(systems))
            cycles = find_cycles(
                examples.load(system.name),
                max_order=system.order,
                seed=options.seed,
                n_threads=options.threads,
                time_limit=options.time_limit,
                progress=part,
            )
            results.append(_Result(system, cycles))
            if cycles.search.stopped_by == "interrupt":
                break
    finally:
        meter.close()
    return results


class _ShareOfProgress(NamedTuple):
    """The state of one search with its share of the work of several."""

    fraction: float
    state: Progress

    def text(self, seconds: float) -> str:
        """Describe the search."""
        return self.state.text(seconds)


class _PartOfMeter:
    """Shows one search as its share of several searches on a common meter."""

    def __init__(self, meter: ProgressMeter, number: int, n_searches: int) -> None:
        self._meter = meter
        self._number = number
        self._n_searches = n_searches

    def init(self, title: str) -> None:
        """Do nothing: the common meter has begun."""

    def step(self, progress: Progress) -> None:
        """Show the state on the common meter."""
        fraction = (self._number + progress.fraction) / self._n_searches
        self._meter.step(_ShareOfProgress(fraction, progress))

    def close(self) -> None:
        """Do nothing: the common meter goes on."""


def _to_dict(results: Sequence[_Result], seconds: float, picture: str | None) -> dict[str, Any]:
    networks = [
        {
            "name": system.name,
            "order": system.order,
            "n_published": system.expected_cycles,
            "n_at_known_order": result.n_at_known_order,
            **cycles.to_dict(),
        }
        for result in results
        for system, cycles in [result]
    ]
    values: dict[str, Any] = plain({"networks": networks, "seconds": seconds, "picture": picture})
    return values


def _report(results: Sequence[_Result], seconds: float) -> list[str]:
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for system, cycles in results:
        name = system.name
        for cycle in cycles:
            rows.append((name, *cycle_cells(cycle, cycles.search)))
            name = ""
    n_cycles = sum(len(result.cycles) for result in results)
    agreeing = sum(
        result.n_at_known_order == result.system.expected_cycles
        for result in results
        if result.cycles.finished
    )
    lines = align_columns(rows, _LEFT_ALIGNED)
    lines.append("")
    lines.append(
        f"{n_cycles} fixed points and cycles of {len(results)} networks in {seconds:.2f} s; "
        f"the published counts are met for {agreeing} of {len(results)} networks."
    )
    lines.extend(_confidence(results))
    return lines


def _confidence(results: Sequence[_Result]) -> list[str]:
    """Say in a line or two how sure the table is."""
    lines = []
    unfinished = [result.system.name for result in results if not result.cycles.finished]
    if unfinished:
        lines.append(f"INCOMPLETE: {', '.join(unfinished)} was stopped before its end.")
    estimates = [
        result.cycles.search.coverage
        for result in results
        if result.cycles.search.coverage is not None
    ]
    if estimates:
        lines.append(
            f"listed: all itineraries of that order were solved. hits: restarts of the search that "
            f"ended in the cycle; lowest estimated coverage {100 * min(estimates):.4g} %."
        )
    return lines


def _draw(pyplot: Any, results: Sequence[_Result], path: Path) -> None:
    # A lone fixed point makes no picture.
    shown = [result for result in results if result.system.order > 1]
    if not shown:
        return
    n_rows = -(-len(shown) // _PANELS_PER_ROW)
    n_columns = min(len(shown), _PANELS_PER_ROW)
    figure, axes = pyplot.subplots(
        n_rows,
        n_columns,
        figsize=(3.3 * n_columns, 3.1 * n_rows),
        layout="constrained",
        squeeze=False,
    )
    for ax in axes.flat[len(shown) :]:
        ax.set_visible(False)
    for ax, (system, cycles) in zip(axes.flat, shown, strict=False):
        plot.state_space(cycles, ax)
        ax.set_title(system.name, fontsize=10)
    save_figure(pyplot, figure, path)
