"""The command line ``rnndyn``."""

import importlib
from collections.abc import Sequence

from rnndyn.cli._exit_codes import interrupted

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        # Not above: Ctrl-C is also pressed while the commands, and NumPy, are imported.
        commands = importlib.import_module("rnndyn.cli._main")
    except (KeyboardInterrupt, ImportError) as error:
        # What stops a compiled module while it is set up comes as an ImportError.
        if not any(isinstance(e, KeyboardInterrupt) for e in (error, error.__cause__)):
            raise
        return interrupted()
    code: int = commands.main(arguments)
    return code
