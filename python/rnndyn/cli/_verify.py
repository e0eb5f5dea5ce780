"""``rnndyn verify``: check the certificate of a complete search, or a proof of chaos."""

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from rnndyn._common.words import counted
from rnndyn.certificate.composition import CompositionCertificate
from rnndyn.certificate.result import Certificate
from rnndyn.cli._arguments import (
    add_command,
    add_inputs,
    add_json,
    add_model,
    add_periodic,
    load_network,
    load_piecewise_linear,
    read_inputs,
)
from rnndyn.cli._exit_codes import ExitCode
from rnndyn.cycles.result import CycleSet
from rnndyn.manifolds.chaos import ChaosCertificate
from rnndyn.models._canonical_map_of import periodically_driven
from rnndyn.models._composition import Composition
from rnndyn.results.files import header_in
from rnndyn.verify import Verdict

#: Largest file whose header is looked at.
_MAX_BYTES = 2**32

_EPILOG = """\
examples:
  rnndyn verify certificate.npz network.npz
  rnndyn verify certificate.json example:plrnn-10d --json
  rnndyn verify certificate.npz network.npz --inputs resting.npy
  rnndyn verify certificate.npz driven.npz --inputs one_period.npy --periodic
  rnndyn verify chaos.npz network.npz

The check is done in exact arithmetic and shares no code with the search.
Exit code 0: confirmed; 1: refused; 2: wrong input.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "verify",
        summary="check the certificate of a complete search, or a proof of chaos",
        description="Check the proof that no cycle of a network is missing, or one of chaos.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "certificate",
        metavar="CERTIFICATE",
        type=Path,
        help="a .npz or .json file, or cycles saved with their certificate",
    )
    add_model(parser)
    add_inputs(parser, "the constant external input (K,) of the search, or with --periodic (T, K)")
    add_periodic(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check, print, and return the exit code."""
    certificate = _loaded(options.certificate)
    model = _network(options, certificate)
    start = time.perf_counter()
    verdict = certificate.verify(model)
    seconds = time.perf_counter() - start
    if options.json:
        values = {**dataclasses.asdict(verdict), "seconds": seconds}
        print(json.dumps({**values, "summary": certificate.summary() if verdict else []}))
    else:
        print("\n  ".join(_lines(certificate, verdict, seconds)))
    return ExitCode.DONE if verdict else ExitCode.REFUSED


def _loaded(path: Path) -> Certificate | ChaosCertificate:
    """Read a proof of any kind; what is none is no certificate."""
    kind = header_in(path, _MAX_BYTES).get("format") if path.is_file() else None
    for cls in (ChaosCertificate, CompositionCertificate):
        if kind == cls.FORMAT.name:
            return cls.load(path)
    if kind == CycleSet.FORMAT.name:
        certificate = CycleSet.load(path).certificate
        if certificate is None:
            raise ValueError(
                f"{path} holds cycles without a certificate: search with --method complete and "
                "--certificate FILE"
            )
        return certificate
    return Certificate.load(path)


def _network(options: argparse.Namespace, certificate: Certificate | ChaosCertificate) -> Any:
    """Return what the certificate is about: the network, under the input of the search."""
    if options.periodic:
        network = load_network(options.model, options.nonlinearity)
        network = periodically_driven(network, read_inputs(options.inputs))
    elif isinstance(certificate, CompositionCertificate):
        network = load_network(options.model, options.nonlinearity)
    else:
        network = load_piecewise_linear(options.model, options.nonlinearity, options.inputs)
    is_composition = isinstance(network, Composition)
    if is_composition and not isinstance(certificate, CompositionCertificate):
        raise ValueError(
            f"{options.certificate} is not about a network under a periodic input: leave out "
            "--periodic"
        )
    if not is_composition and isinstance(certificate, CompositionCertificate):
        raise ValueError(
            f"{options.certificate} is about a network under a periodic input: give --inputs, the "
            "input (T, K) of one period, and --periodic"
        )
    return network


def _lines(
    certificate: Certificate | ChaosCertificate, verdict: Verdict, seconds: float
) -> list[str]:
    if not verdict:
        return [f"Refused: {reason}" for reason in verdict.reasons]
    if isinstance(certificate, ChaosCertificate):
        checked = counted(verdict.n_itineraries, "word")
        return [
            "Confirmed",
            *certificate.summary(),
            f"Verified in exact arithmetic: {checked}; {seconds:.2f} s",
        ]
    return [
        "Confirmed",
        *certificate.summary(),
        f"Verified in exact arithmetic: {counted(verdict.n_cycles, 'certified cycle')}, "
        f"{counted(verdict.n_nodes, 'node')} of {counted(verdict.n_trees, 'tree')}, "
        f"{counted(verdict.n_contradictions, 'contradiction')}, "
        f"{counted(verdict.n_itineraries, 'solved system')}; {seconds:.2f} s",
    ]
