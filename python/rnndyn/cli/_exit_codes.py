"""Exit codes of the command line, in the one place from which help and docs take them."""

import sys
from enum import IntEnum


class ExitCode(IntEnum):
    """What the program tells its caller when it ends."""

    DONE = 0
    REFUSED = 1
    ERROR = 2
    FAILED = 3
    INTERRUPTED = 130
    #: What a shell reports for a program that a closed pipe ended: 128 + SIGPIPE.
    BROKEN_PIPE = 141


MEANINGS = {
    ExitCode.DONE: "done, also where a time limit ended the work",
    ExitCode.REFUSED: "a certificate is not confirmed (rnndyn verify)",
    ExitCode.ERROR: "wrong input, a file that cannot be read or written, a missing package",
    ExitCode.FAILED: "out of memory, or a fault of the program",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C; what was found until then is shown and saved",
    ExitCode.BROKEN_PIPE: "whoever reads the output, such as head, has closed the pipe",
}


def interrupted() -> ExitCode:
    """Say that Ctrl-C has ended the program, and return what it ends with."""
    print("rnndyn: interrupted", file=sys.stderr)
    return ExitCode.INTERRUPTED
