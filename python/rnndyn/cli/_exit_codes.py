"""Exit codes of the command line."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the program tells its caller when it ends."""

    DONE = 0
    #: A certificate is not confirmed.
    REFUSED = 1
    ERROR = 2
    INTERRUPTED = 130
    #: What a shell reports for a program that a closed pipe ended: 128 + SIGPIPE.
    BROKEN_PIPE = 141
