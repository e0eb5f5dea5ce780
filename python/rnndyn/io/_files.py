"""Writing files so that nobody ever sees half of one."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def complete_file(path: Path) -> Iterator[BinaryIO]:
    """Open a stream whose content appears as `path` when the block ends without an error."""
    # Not tempfile: its files are readable by the owner only, and `path` would inherit that.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    with open(temporary, "xb") as stream:
        try:
            yield stream
            stream.close()
            os.replace(temporary, path)
        except BaseException:
            stream.close()
            temporary.unlink()
            raise
