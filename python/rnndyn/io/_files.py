"""Opening files that may be anything, and writing files that appear only when complete."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple


class OpenedFile(NamedTuple):
    """A file that is open for reading.

    Attributes
    ----------
    path : Path
        Its name, for what the name alone tells.
    stream : binary stream
        At its beginning.
    size : int
        Its bytes when it was opened.
    """

    path: Path
    stream: BinaryIO
    size: int

    def content(self) -> bytes:
        """Return all of its bytes.

        Raises
        ------
        ValueError
            If it has grown since it was opened, past the size that was checked.
        """
        self.stream.seek(0)
        data = self.stream.read(self.size + 1)
        if len(data) > self.size:
            raise ValueError("it grows while it is read")
        return data


@contextmanager
def opened_file(path: Path, max_bytes: int | None) -> Iterator[OpenedFile]:
    """Open a regular file for reading; every file that is read is opened here.

    A pipe would be waited for, and a device may have no end, whatever size it claims.

    Raises
    ------
    ValueError
        If it is no regular file, or has more than `max_bytes` bytes; None for archives, where what
        their members claim to unpack to is compared.
    OSError
        If it cannot be opened.
    """
    # Before it is opened, because opening some devices does something; and after, because the name
    # may have become another file's.
    _check_regular(os.stat(path), path)
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(path, flags), "rb") as stream:
        status = os.fstat(stream.fileno())
        _check_regular(status, path)
        if max_bytes is not None and status.st_size > max_bytes:
            raise ValueError(f"it has {status.st_size} bytes, more than max_bytes = {max_bytes}")
        yield OpenedFile(path, stream, status.st_size)


def _check_regular(status: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(
            "it is a pipe, a device or a socket; copy what comes out of it into a file first"
        )


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
        # With the name that was asked for, not the temporary one.
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def complete_file(path: Path) -> Iterator[BinaryIO]:
    """Open a stream whose content appears as `path` when the block ends without an error."""
    with complete_path(path) as temporary, open(temporary, "xb") as stream:
        yield stream
