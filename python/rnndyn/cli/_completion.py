"""``rnndyn completion``: what a shell needs to complete commands, options and file names."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnndyn._common.optional import import_optional
from rnndyn.cli._arguments import add_command
from rnndyn.cli._exit_codes import ExitCode

#: Arguments that are files though not paths, since they may also be example:NAME.
_FILES = ("model", "input", "files")
_SHELLS = ("bash", "zsh", "fish")

_EPILOG = """\
examples:
  rnndyn completion bash > ~/.local/share/bash-completion/completions/rnndyn
  rnndyn completion zsh > ~/.zsh/completions/_rnndyn
  rnndyn completion fish > ~/.config/fish/completions/rnndyn.fish

The folder for zsh must be in $fpath before compinit runs. It needs
pip install "rnndyn[completion]", only now and not when the shell completes.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "completion",
        summary="print the completion script of a shell",
        description="Print a script with which a shell completes commands, options, choices and "
        "file names.",
        epilog=_EPILOG,
    )
    parser.add_argument("shell", choices=_SHELLS, metavar="SHELL", help=", ".join(_SHELLS))
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the script; return the exit code."""
    shtab = import_optional("shtab", "rnndyn completion")
    for action in _actions(options.parser):
        if action.type is Path or action.dest in _FILES:
            # The attribute that shtab looks for.
            setattr(action, "complete", shtab.FILE)  # noqa: B010
    print(shtab.complete(options.parser, shell=options.shell))
    return ExitCode.DONE


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Return the options and arguments of all commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action
