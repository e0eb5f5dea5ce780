"""Proving that no cycle is missing: time against mixed-integer programming and listing.

Every row is one question, all cycles of one order in a box, answered by
- this package with ``method="complete"``: rigorous, without the verification of rounding errors,
  and rigorous for all of R^M instead of the box;
- HiGHS, enumerating the solutions of a mixed-integer program (`bench.baselines.milp`), with bounds
  of the variables from linear programs and with bounds from the box alone: the faster one counts;
- this package with ``method="exhaustive"``, solving for every itinerary, where they are few enough.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import rnndyn as rd
from bench.baselines.milp import (
    BOUND_ROUNDS,
    FEASIBILITY_TOLERANCE,
    Enumeration,
    MilpEnumeration,
)
from bench.machine import print_machine
from bench.scaling import n_necklaces
from bench.systems import LOZI_COUNTS, lorenz63_shallow_plrnn, lozi, random_alrnn, random_plrnn
from bench.table import format_number, format_seconds, geometric_mean, print_table

#: Order and box of the questions: (network, order, radius of the box, whether in the quick table).
QUESTIONS = [
    ("plrnn_10d_10", 1, 1000.0, True),
    ("plrnn_10d_10", 2, 1000.0, True),
    ("plrnn_10d_10", 3, 1000.0, False),
    ("uniform_m10", 1, 1000.0, True),
    ("uniform_m20_weak", 1, 1000.0, False),
    ("uniform_m20_strong", 1, 1000.0, True),
    ("uniform_m30", 1, 1000.0, True),
    ("uniform_m30_strong", 1, 1000.0, False),
    ("uniform_m50", 1, 1000.0, False),
    ("gauss_m30_low_gain", 1, 1000.0, False),
    ("gauss_m30_high_gain", 1, 1000.0, False),
    ("gauss_m30_high_gain", 2, 1000.0, False),
    ("gauss_m40_high_gain", 1, 1000.0, False),
    ("gauss_m50_low_gain", 1, 1000.0, False),
    ("gauss_m50_high_gain", 1, 1000.0, False),
    ("gauss_m100_low_gain", 1, 1000.0, False),
    ("gauss_m100_high_gain", 1, 1000.0, False),
    ("shallow_m2_h10", 2, 1000.0, True),
    ("shallow_m2_h10", 6, 1000.0, False),
    ("shallow_m3_h50", 1, 1000.0, False),
    # The box of the data, times two.
    ("lorenz63_m3_h50", 1, 5.82, True),
    ("lorenz63_m3_h50", 2, 5.82, False),
    ("lorenz63_m3_h50", 5, 5.82, False),
    ("alrnn_m25_p6", 1, 1000.0, False),
    ("alrnn_m25_p6", 4, 1000.0, True),
    ("alrnn_m25_p6", 8, 1000.0, False),
    ("alrnn_m25_p6", 10, 1000.0, False),
    # One fixed point, by a P-matrix; they do not contract.
    ("nearly_contracting_m60", 1, 1000.0, True),
    ("nearly_contracting_m120", 1, 1000.0, False),
    ("without_offsets_m12", 1, 1000.0, True),
    ("without_offsets_m20", 2, 1000.0, False),
    ("lozi", 8, 1000.0, True),
    ("lozi", 12, 1000.0, True),
    ("plrnn_2d_16", 16, 1000.0, False),
    ("plrnn_2d_27", 27, 1000.0, False),
]

#: Fastest of the runs that fit in this time; at least one, at most `MAX_RUNS`.
SECONDS_OF_RUNS = 1.0
MAX_RUNS = 20


@dataclass(frozen=True)
class Question:
    name: str
    model: Any
    order: int
    radius: float
    known: int | None


@dataclass(frozen=True)
class Answer:
    """What one method found, and its time: nan where it did not finish."""

    cycles: list[Any] | None
    seconds: float
    capped: bool = False

    @property
    def text(self) -> str:
        return (">=" if self.capped else "") + format_seconds(self.seconds)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cap", type=float, default=300.0, help="seconds a method may take for a question"
    )
    parser.add_argument("--only", action="append", help="only networks whose name begins so")
    parser.add_argument("--no-milp", action="store_true", help="leave HiGHS out")


def run(arguments: argparse.Namespace) -> None:
    if arguments.quick:
        arguments.cap = min(arguments.cap, 30.0)
    milp_version = None if arguments.no_milp else _highs_version()
    print_machine()
    if milp_version:
        print(f"HiGHS {milp_version}, tolerances {FEASIBILITY_TOLERANCE:g}, one thread")
    times: list[list[object]] = []
    trees: list[list[object]] = []
    ratios: list[float] = []
    problems: list[str] = []
    for question in _questions(arguments):
        answers, row, tree, ratio = _compare(question, milp_version is not None, arguments.cap)
        times.append(row)
        trees.append(tree)
        ratios += ratio
        problems += _disagreements(question, answers)
        print(f"{question.name} k={question.order}: {row[3:]}", flush=True)
    if ratios:
        # A ratio at a cap is a lower bound, and so is the mean then.
        bound = ">=" if any(str(row[7]).startswith(">=") for row in times) else ""
        mean = bound + format_number(geometric_mean(ratios))
        times.append(["geometric mean", "", "", "", "", "", "", mean, ""])
    print_table(
        "All cycles of order k with |z| <= R, proved complete; one process, one thread.\n"
        f"Fastest of up to {MAX_RUNS} runs within {SECONDS_OF_RUNS:g} s, of one run if it takes "
        f"longer; >=: stopped after {arguments.cap:g} s;\n"
        "-: ended without a proof, or not tried. 'rigorous' verifies every step with all rounding\n"
        "errors, 'fast' does not, 'R^M' is rigorous and without the box; these are whole calls of\n"
        "find_cycles. HiGHS: building the models, bounds by linear programs or none but the box,\n"
        "whichever is faster, all models until the last is infeasible, solving for the points; it\n"
        "proves up to its tolerances. 'listing': method='exhaustive' where there are at most 10^7\n"
        "itineraries. Ratio: HiGHS to rigorous.",
        ["network", "k", "cycles", "rigorous", "fast", "R^M", "HiGHS", "ratio", "listing"],
        times,
    )
    print_table(
        "The work behind it. Nodes and itineraries solved are summed over the parts of the proof;\n"
        "'certified' is the share of pruned branches whose certificate held at the first attempt\n"
        "(the others are split further). HiGHS: where the bounds of the faster formulation come\n"
        "from, models solved, nodes of all of them, bits fixed by the bounds, patterns that were\n"
        "no cycles (tolerances) and cycles of lower orders.",
        ["network", "k", "method", "status", "nodes", "pruned", "certified", "solved", "bounds",
         "models", "nodes", "fixed bits", "wrong", "shorter"],
        trees,
    )  # fmt: skip
    for problem in problems:
        print(problem)
    if problems:
        raise SystemExit(1)


def _questions(arguments: argparse.Namespace) -> list[Question]:
    questions = []
    for name, order, radius, quick in QUESTIONS:
        if arguments.quick and not quick:
            continue
        if arguments.only and not any(name.startswith(beginning) for beginning in arguments.only):
            continue
        model, known = _load(name, order)
        questions.append(Question(name, model, order, radius, known))
    return questions


def _load(name: str, order: int) -> tuple[Any, int | None]:
    """The network, and its number of cycles of that order where it is known."""
    if name == "lozi":
        return lozi(), LOZI_COUNTS.get(order)
    if name == "lorenz63_m3_h50":
        return lorenz63_shallow_plrnn(), 3 if order == 1 else None
    if name == "alrnn_m25_p6":
        # Of forty draws the one whose proofs took longest before they were about units alone.
        return random_alrnn(25, 6, seed=5), None
    if name.startswith("nearly_contracting"):
        n_states = int(name.partition("_m")[2])
        rng = np.random.default_rng([0, n_states])
        A = rng.uniform(-0.5, 0.5, n_states)
        W = 0.65 * rng.normal(size=(n_states, n_states)) / np.sqrt(n_states)
        return rd.PLRNN(A, W, rng.normal(size=n_states)), 1 if order == 1 else 0
    if name.startswith("without_offsets"):
        model = random_plrnn(int(name.partition("_m")[2]), gain=1.2, seed=0)
        return rd.PLRNN(model.A, model.W, np.zeros(model.n_states)), 1 if order == 1 else 0
    info = rd.examples.info(name)
    if isinstance(info, rd.examples.RandomNetwork):
        known = info.complete_counts.get(order)
    else:
        known = info.expected_cycles if info.order == order else None
    return rd.examples.load(name), known


Row = list[object]


def _compare(
    question: Question, with_milp: bool, cap: float
) -> tuple[dict[str, Answer], Row, Row, list[float]]:
    answers: dict[str, Answer] = {}
    certificate: Any = None
    for name, box, rigorous in (
        ("rigorous", question.radius, True),
        ("fast", question.radius, False),
        ("R^M", None, True),
    ):
        answers[name], result = _prove(question, box, rigorous, cap)
        if name == "rigorous":
            certificate = result.certificate
    enumeration = None
    if with_milp:
        answers["HiGHS"], enumeration = _enumerate(question, cap)
    answers["listing"] = _list(question, cap)

    own = answers["rigorous"]
    ratio = ""
    ratios = []
    if enumeration is not None and own.cycles is not None:
        value = answers["HiGHS"].seconds / own.seconds
        ratio = (">=" if answers["HiGHS"].capped else "") + format_number(value)
        ratios.append(value)
    n_cycles = "?" if own.cycles is None else len(own.cycles)
    row: Row = [question.name, question.order, n_cycles]
    row += [answers[name].text for name in ("rigorous", "fast", "R^M")]
    row += [answers["HiGHS"].text if with_milp else "", ratio, answers["listing"].text]
    return answers, row, _tree_row(question, certificate, enumeration), ratios


def _prove(question: Question, box: float | None, rigorous: bool, cap: float) -> tuple[Answer, Any]:
    def call() -> Any:
        return rd.find_cycles(
            question.model,
            orders=[question.order],
            method="complete",
            box=box,
            rigorous=rigorous,
            n_threads=1,
            time_limit=cap,
            progress=False,
        )

    result, seconds = _fastest(call)
    if seconds >= cap and not result.finished:
        return Answer(None, seconds, capped=True), result
    # Without rigour nothing counts as proved; then what matters is that the search ended.
    finished = result.finished and result.certificate is not None
    if rigorous:
        finished = finished and result.certificate.status == "proved"
    if not finished:
        return Answer(None, np.nan), result
    return Answer(_points(result, question), seconds), result


def _list(question: Question, cap: float) -> Answer:
    if n_necklaces(2**question.model.canonical.n_units, question.order) > 10**7:
        return Answer(None, np.nan)
    result, seconds = _fastest(
        lambda: rd.find_cycles(
            question.model,
            orders=[question.order],
            method="exhaustive",
            box=question.radius,
            n_threads=1,
            time_limit=cap,
            progress=False,
        )
    )
    if not result.finished:
        return Answer(None, seconds, capped=True)
    return Answer(_points(result, question), seconds)


def _enumerate(question: Question, cap: float) -> tuple[Answer, Enumeration]:
    canonical = question.model.canonical
    matrices = [np.array(getattr(canonical, name)) for name in ("A", "W1", "W2", "h1", "h2")]
    best: tuple[Answer, Enumeration] | None = None
    for bound_rounds in (BOUND_ROUNDS, 0):
        # The second formulation need not run for longer than the first one did.
        limit = cap if best is None else best[0].seconds
        enumeration, seconds = _fastest(
            lambda rounds=bound_rounds, limit=limit: MilpEnumeration(
                *matrices, order=question.order, radius=question.radius, bound_rounds=rounds
            ).run(limit)
        )
        if best is None or (enumeration.complete and seconds < best[0].seconds):
            cycles = enumeration.cycles if enumeration.complete else None
            best = Answer(cycles, seconds, capped=not enumeration.complete), enumeration
    assert best is not None
    return best


def _fastest(call: Callable[[], Any]) -> tuple[Any, float]:
    """The result of the last run and the time of the fastest."""
    spent, best = 0.0, np.inf
    for _ in range(MAX_RUNS):
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
        best = min(best, seconds)
        spent += seconds
        if spent + best > SECONDS_OF_RUNS:
            break
    return result, best


def _points(result: Any, question: Question) -> list[Any]:
    return [np.asarray(cycle.points) for cycle in result.of_order(question.order)]


def _tree_row(question: Question, certificate: Any, enumeration: Enumeration | None) -> Row:
    row: Row = [question.name, question.order]
    if certificate is None:
        row += ["", "no certificate", "", "", "", ""]
    else:
        parts = certificate.parts
        n_pruned = sum(part.n_pruned for part in parts)
        n_tried = n_pruned + sum(part.n_uncertified for part in parts)
        status = certificate.status
        if certificate.undecided:
            status += f", {len(certificate.undecided)} undecided"
        row += [
            " + ".join(dict.fromkeys(part.method for part in parts)),
            status,
            f"{sum(part.n_nodes for part in parts):,}",
            f"{n_pruned:,}",
            f"{100.0 * n_pruned / n_tried:.4g} %" if n_tried else "",
            f"{sum(part.n_leaves for part in parts):,}",
        ]
    if enumeration is None:
        return [*row, "", "", "", "", "", ""]
    return [
        *row,
        "programs" if enumeration.n_bound_programs else "box",
        enumeration.n_models,
        f"{enumeration.n_nodes:,}",
        f"{enumeration.n_fixed} of {enumeration.n_bits}",
        enumeration.n_wrong,
        enumeration.n_shorter,
    ]


def _disagreements(question: Question, answers: dict[str, Answer]) -> list[str]:
    """Different numbers of cycles in the box, and cycles that not both report."""
    where = f"{question.name} k={question.order}"
    finished = {
        name: answer.cycles
        for name, answer in answers.items()
        if answer.cycles is not None and name != "R^M"
    }
    problems = []
    for name, cycles in finished.items():
        if question.known is not None and len(cycles) != question.known:
            problems.append(f"{where}: {name} finds {len(cycles)} cycles, {question.known} known")
        for other, others in finished.items():
            missing = sum(not _is_among(cycle, others) for cycle in cycles)
            if missing:
                problems.append(f"{where}: {missing} cycles of {name} are not found by {other}")
    everywhere = answers["R^M"].cycles
    if everywhere is not None and (own := finished.get("rigorous")) is not None:
        inside = [z for z in everywhere if np.abs(z).max() <= question.radius]
        if len(inside) != len(own):
            problems.append(f"{where}: {len(own)} cycles in the box, {len(inside)} of R^M in it")
    return problems


def _is_among(cycle: Any, others: list[Any], tolerance: float = 1e-6) -> bool:
    size = tolerance * (1.0 + np.abs(cycle).max())
    return any(
        np.abs(np.roll(cycle, shift, axis=0) - other).max() <= size
        for other in others
        for shift in range(len(cycle))
    )


def _highs_version() -> str:
    try:
        import highspy
    except ImportError:
        raise SystemExit(
            "the comparison needs HiGHS: pip install highspy, or leave it out with --no-milp"
        ) from None
    return str(highspy.Highs().version())
