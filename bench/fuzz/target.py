"""What is fuzzed: one file, and what must hold for any bytes in it."""

import time
from pathlib import Path

import numpy as np

from rnndyn.io import import_model

#: Seconds of processor time that a file of a few kilobytes may take.
MAX_SECONDS = 1.0


class FindingError(Exception):
    """Something that must not happen with any file."""


def load(path: Path, data: bytes) -> str:
    """Load a file with this content; return "model" or the reason why it is refused.

    Raises
    ------
    FindingError
        If it takes too long, or the message does not begin with the path.
    Exception
        Any other, which is a finding too.
    """
    path.write_bytes(data)
    start = time.process_time()
    try:
        model = import_model(path).model
    except ValueError as error:
        result = str(error)
        if not result.startswith(f"{path} "):
            raise FindingError(f"the message does not name the file: {result}") from error
    else:
        result = "model"
        if not all(np.isfinite(array).all() for array in model.parameters.values()):
            raise FindingError("the model is not finite")
    seconds = time.process_time() - start
    if seconds > MAX_SECONDS:
        raise FindingError(f"it took {seconds:.2f} s")
    return result
