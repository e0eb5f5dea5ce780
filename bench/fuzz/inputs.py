"""How the inputs of the fuzzer become files, and the good files to start from.

The bytes of most files are their own input. In a zip archive every member has a checksum, so hardly
any damaged byte gets past it: there is a second kind of input, members one after the other, of
which the archive is made afterwards, with right checksums.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

#: Between members; not in any real file.
_SEPARATOR = b"\xf5--\xf5"
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")


class Kind(NamedTuple):
    """A kind of input.

    Attributes
    ----------
    name : str
        For people.
    loader : str
        The kind of file, as in `rnndyn.io._sniff.SUFFIXES`.
    file_of : callable
        Makes the bytes of a file of an input.
    input_of : callable
        Makes an input of the bytes of a good file.
    """

    name: str
    loader: str
    file_of: Callable[[bytes], bytes]
    input_of: Callable[[bytes], bytes]


def _same(data: bytes) -> bytes:
    return data


def archive_of(data: bytes) -> bytes:
    """Make a zip archive of members; each has its name in its first line."""
    return _archive(part.partition(b"\n")[::2] for part in data.split(_SEPARATOR))


def members_of(data: bytes) -> bytes:
    """Take an archive apart, without what only zip or torch's own version check needs."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [n for n in archive.namelist() if ".data/" not in n and "version" not in n]
        return _SEPARATOR.join(name.encode() + b"\n" + archive.read(name) for name in names)


def _archive(members: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write a zip archive without compression; `zipfile` takes ten times as long."""
    local, central, position, count = [], [], 0, 0
    for name, content in members:
        name = name[:1000]
        sums = (zlib.crc32(content), len(content), len(content))
        head = _LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, 33, *sums, len(name), 0) + name
        more = (len(name), 0, 0, 0, 0, 0, position)
        central.append(_CENTRAL.pack(b"PK\x01\x02", 20, 20, 0, 0, 0, 33, *sums, *more) + name)
        local += [head, content]
        position += len(head) + len(content)
        count += 1
    directory = b"".join(central)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), position, 0)
    return b"".join(local) + directory + end


KINDS = (
    Kind("json", "json", _same, _same),
    Kind("npz", "npz", _same, _same),
    Kind("npz members", "npz", archive_of, members_of),
    Kind("matlab 5", "matlab", _same, _same),
    Kind("torch", "torch", _same, _same),
    Kind("torch members", "torch", archive_of, members_of),
    Kind("safetensors", "safetensors", _same, _same),
    Kind("bson", "bson", _same, _same),
    Kind("hdf5", "hdf5", _same, _same),
)


def _kind_of(path: Path) -> str:
    from rnndyn.io._files import opened_file
    from rnndyn.io._sniff import kind_of

    with opened_file(path, None) as file:
        return kind_of(file)


def write_seeds(folder: Path, root: Path) -> None:
    """Write the inputs to start from, a folder for each kind; `root` is that of the repository."""
    import foreign_files
    import rnndyn

    files = folder / "files"
    files.mkdir(parents=True)
    for name in foreign_files.WRITERS:
        foreign_files.written(files, name)
    foreign_files.write_others(files)
    for suffix in ("npz", "json"):
        rnndyn.save_model(foreign_files.MODEL, files / f"rnndyn.{suffix}")
    for kind in KINDS:
        (folder / kind.name).mkdir()
    for file in sorted(files.iterdir()):
        data = file.read_bytes()
        for kind in KINDS:
            if kind.loader == _kind_of(file):
                (folder / kind.name / file.name).write_bytes(kind.input_of(data))
    for case in sorted((root / "tests" / "io" / "corpus").iterdir()):
        data = case.read_bytes()
        try:
            loader = _kind_of(case)
        except ValueError:
            # Every loader can be reached from here by a few changes; one place is enough.
            loader = "json"
        for kind in KINDS:
            if kind.loader == loader and kind.file_of is _same:
                (folder / kind.name / case.name).write_bytes(data)
