"""``rnndyn convert``: a network of another program as a file of rnndyn."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rnndyn.cli._arguments import add_command, add_json, add_nonlinearity
from rnndyn.cli._exit_codes import ExitCode
from rnndyn.cli._outputs import check_suffix
from rnndyn.io import import_model, save_model
from rnndyn.io._import import MAX_BYTES, read_content
from rnndyn.io._record import ModelRecord
from rnndyn.models import FAMILIES

_EPILOG = """\
examples:
  rnndyn convert checkpoint.pt network.npz
  rnndyn convert weights.mat network.json --family ALRNN --option n_relu=2
  rnndyn convert weights.safetensors network.npz --key W=net.recurrent --key h=net.offset
  rnndyn convert checkpoint.pt network.npz --prefix model.rnn --nonlinearity relu
  rnndyn convert model.bson --list

Reads npz and json, MATLAB .mat (version 5 and 7.3), torch.save, safetensors, Julia BSON
and JLD2, HDF5; told by content, not by name. No code of a file is run. What was guessed
is printed.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "convert",
        summary="read a network of another program and write it for rnndyn",
        description="Read a network from a file of another program, write it as a file of rnndyn,\n"
        "and tell what was found.",
        epilog=_EPILOG,
    )
    parser.add_argument("input", metavar="IN", help="the file to read")
    parser.add_argument(
        "output", metavar="OUT", nargs="?", type=Path, help="a .npz or .json file to write"
    )
    parser.add_argument(
        "--family", metavar="F", help=f"what the network is: {', '.join(FAMILIES)} (default: guess)"
    )
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        type=_assignment,
        metavar="PARAMETER=NAME",
        help="which array of the file a parameter is; may be repeated (default: guess)",
    )
    parser.add_argument("--prefix", metavar="P", help="where the network is, like model.rnn")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        type=_assignment,
        metavar="NAME=VALUE",
        help="a setting of the family, like n_relu=2 or clipped=true",
    )
    add_nonlinearity(parser)
    parser.add_argument("--list", action="store_true", help="only list the arrays of the file")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, write, and tell what was found; return the exit code."""
    if options.list:
        return _list(options)
    if options.output is None:
        raise ValueError("OUT is missing: give a .npz or .json file to write, or --list")
    check_suffix(options.output, (".npz", ".json"))
    found = import_model(
        options.input,
        family=options.family,
        keys=dict(options.key),
        prefix=options.prefix,
        options={name: _option_value(value) for name, value in options.option},
        nonlinearity=options.nonlinearity,
    )
    report = {
        "file": found.path.name,
        "format": found.format,
        "keys": dict(found.keys),
        "notes": list(found.notes),
    }
    save_model(found.model, options.output, metadata={"imported": report})
    if options.json:
        more = {"family": found.model.family, "unused": list(found.unused)}
        print(json.dumps({**report, **more, "output": str(options.output)}))
    else:
        print(f"{found!r}\nwritten: {options.output}")
    return ExitCode.DONE


def _list(options: argparse.Namespace) -> int:
    content = read_content(Path(options.input), MAX_BYTES)
    if isinstance(content, ModelRecord):
        arrays, unread = content.parameters, {}
    else:
        arrays, unread = content.arrays, content.unread
    for name, what in unread.items():
        print(f"rnndyn: {options.input}: {name!r:.60} is {what} and is not read", file=sys.stderr)
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    if options.json:
        print(json.dumps(shapes))
    else:
        width = max(map(len, shapes), default=0)
        for name, shape in shapes.items():
            print(f"{name:{width}}  {' x '.join(map(str, shape)) or 'number'}")
    return ExitCode.DONE


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not written like NAME=VALUE")
    return name, value


def _option_value(text: str) -> Any:
    """Return a whole number, a truth value, or the text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        return text
