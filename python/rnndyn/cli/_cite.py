"""``rnndyn cite``: the papers behind a result or a network."""

import argparse
import json
from typing import Any

from rnndyn.citing.citation import Bibliography, cite
from rnndyn.cli._arguments import (
    EXAMPLE_PREFIX,
    add_command,
    add_json,
    add_nonlinearity,
    load_network,
)
from rnndyn.cli._exit_codes import ExitCode
from rnndyn.results.loading import is_result, load_result

_EPILOG = """\
examples:
  rnndyn cite cycles.npz
  rnndyn cite cycles.npz spectrum.npz --bibtex > references.bib
  rnndyn cite example:plrnn-10d --json
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "cite",
        summary="list the papers behind results or networks",
        description="List what to cite for saved results and networks: the software, and the "
        "papers behind\nthe options that were used. Without a file, the software alone.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="a result that -o has saved, a model file, or example:NAME",
    )
    parser.add_argument("--bibtex", action="store_true", help="print BibTeX entries, in UTF-8")
    add_nonlinearity(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Load, and print; return the exit code."""
    if options.bibtex and options.json:
        raise ValueError("--bibtex and --json exclude each other; the JSON holds the BibTeX")
    bibliography = cite(*(_loaded(name, options.nonlinearity) for name in options.files))
    if options.json:
        print(json.dumps({"references": _references(bibliography)}))
    else:
        print(bibliography.bibtex if options.bibtex else bibliography.text)
    return ExitCode.DONE


def _loaded(name: str, nonlinearity: str | None) -> Any:
    if not name.startswith(EXAMPLE_PREFIX) and is_result(name):
        return load_result(name)
    return load_network(name, nonlinearity)


def _references(bibliography: Bibliography) -> list[dict[str, Any]]:
    return [
        {
            "key": citation.reference.key,
            "purpose": citation.purpose,
            "text": citation.reference.text,
            "bibtex": citation.reference.bibtex,
        }
        for citation in bibliography
    ]
