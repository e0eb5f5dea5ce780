"""``rnndyn verify``: check the certificate of a complete search."""

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from rnndyn.certificate.result import Certificate
from rnndyn.cli._arguments import add_command, add_json, add_model, load_piecewise_linear
from rnndyn.cli._exit_codes import ExitCode
from rnndyn.verify import Verdict

_EPILOG = """\
examples:
  rnndyn verify certificate.npz network.npz
  rnndyn verify certificate.json example:plrnn-10d --json

The check is done in exact arithmetic and shares no code with the search.
Exit code 0: confirmed; 1: refused; 2: wrong input.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "verify",
        summary="check the certificate of a complete search in exact arithmetic",
        description="Check the proof that no cycle of a network is missing.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "certificate", metavar="CERTIFICATE", type=Path, help="a .npz or .json file"
    )
    add_model(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check, print, and return the exit code."""
    certificate = Certificate.load(options.certificate)
    model = load_piecewise_linear(options.model, options.nonlinearity)
    start = time.perf_counter()
    verdict = certificate.verify(model)
    seconds = time.perf_counter() - start
    if options.json:
        values = {**dataclasses.asdict(verdict), "seconds": seconds}
        print(json.dumps({**values, "summary": certificate.summary() if verdict else []}))
    else:
        print("\n  ".join(_lines(certificate, verdict, seconds)))
    return ExitCode.DONE if verdict else ExitCode.REFUSED


def _lines(certificate: Certificate, verdict: Verdict, seconds: float) -> list[str]:
    if not verdict:
        return [f"Refused: {reason}" for reason in verdict.reasons]
    return [
        "Confirmed",
        *certificate.summary(),
        f"Verified in exact arithmetic: {_count(verdict.n_cycles, 'certified cycle')}, "
        f"{_count(verdict.n_nodes, 'node')} of {_count(verdict.n_trees, 'tree')}, "
        f"{_count(verdict.n_contradictions, 'contradiction')}, "
        f"{_count(verdict.n_itineraries, 'solved system')}; {seconds:.2f} s",
    ]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
