"""What kind of file it is, by its first bytes; the suffix only where these do not tell."""

import zipfile
from typing import BinaryIO

from rnndyn.io._files import OpenedFile

#: Kinds of files -> suffixes, for files whose content does not tell.
SUFFIXES = {
    "json": (".json",),
    "npz": (".npz",),
    "matlab": (".mat",),
    "hdf5": (".h5", ".hdf5", ".jld2"),
    "torch": (".pt", ".pth", ".ckpt"),
    "safetensors": (".safetensors",),
    "bson": (".bson",),
}
#: Files of weights that archives of other programs hold.
_INNER = (".pth", ".pt", ".ckpt", ".safetensors")
_HDF5 = b"\x89HDF\r\n\x1a\n"
#: The number with which torch.save began its files before version 1.6.
_OLD_TORCH = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"


def kind_of(file: OpenedFile) -> str:
    """Return the kind of a file, a key of `SUFFIXES`.

    Raises
    ------
    ValueError
        If it is none that can be read.
    """
    path, stream, size = file
    start = stream.read(2048 + len(_HDF5))
    end = b""
    if size > 5:
        stream.seek(size - 1)
        end = stream.read(1)
    if start.startswith(b"PK\x03\x04"):
        names = _names_in_archive(stream)
        kind = _kind_of_archive(names)
        if kind:
            return kind
        inner = [name for name in names if name.lower().endswith(_INNER)]
        if inner:
            raise ValueError(
                "it is an archive of other files, as stable-baselines writes them: unpack one of "
                f"its files and give that, here {_best_of(inner)!r:.80}"
            )
    # A block of the user's may precede the file; MATLAB and JLD2 put 512 bytes there.
    if any(start.startswith(_HDF5, offset) for offset in (0, 512, 1024, 2048)):
        return "hdf5"
    if start[124:128] in (b"\x00\x01IM", b"\x01\x00MI"):
        return "matlab"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= size - 8:
        return "safetensors"
    if size >= 5 and int.from_bytes(start[:4], "little") == size and end == b"\0":
        return "bson"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return "json"
    if _OLD_TORCH in start[:16]:
        raise ValueError(
            "it has the form that torch.save had before version 1.6, a pickle, which can run any "
            "code when it is loaded; if you trust it, load it in torch and save it again"
        )
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise ValueError(
            "it is a pickle of Python, which can run any code when it is loaded; save the arrays "
            "with numpy.savez instead"
        )
    if start.startswith(b"\x93NUMPY"):
        raise ValueError(
            "it is a single array of NumPy; save all parameters under their names in one file, "
            "with numpy.savez"
        )
    for kind, suffixes in SUFFIXES.items():
        if path.suffix.lower() in suffixes:
            return kind
    if start.startswith(b"PK\x03\x04"):
        raise ValueError(
            "it is a zip archive, but neither of numpy.savez nor of torch.save; where another "
            "part of torch wrote it, save the state_dict with torch.save"
        )
    raise ValueError(
        f"it begins with {start[:12]!r}, which is none of the supported kinds: "
        f"{', '.join(SUFFIXES)}"
    )


def _names_in_archive(stream: BinaryIO) -> list[str]:
    """Return the names in a zip archive; none where its directory is damaged."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return []


def _best_of(inner: list[str]) -> str:
    """Return the file that holds the weights: not those of the optimizer, or of other variables."""
    others = ("optimizer", "variables")
    weights = [name for name in inner if not any(word in name.lower() for word in others)]
    return sorted(weights or inner, key=len)[0]


def _kind_of_archive(names: list[str]) -> str | None:
    """Return what is in a zip archive with these names."""
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        return "torch"
    return "npz" if any(name.endswith(".npy") for name in names) else None
