"""Writing files so that nobody ever sees half of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def complete_path(path: Path) -> Iterator[Path]:
    """Give the name of a file that is renamed to `path` when the block ends without an error."""
    # Not tempfile: its files are readable by the owner only, and `path` would inherit that.
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno is None or error.filename != str(temporary):
            raise
        # The name that was asked for, not one that nobody knows.
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def complete_file(path: Path) -> Iterator[BinaryIO]:
    """Open a stream whose content appears as `path` when the block ends without an error."""
    with complete_path(path) as temporary, open(temporary, "xb") as stream:
        yield stream
