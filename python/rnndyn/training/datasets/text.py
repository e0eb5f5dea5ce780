"""Text as a sequence of characters, a prediction task for recurrent networks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnndyn._common.arrays import FloatArray, IntArray, frozen
from rnndyn._common.checks import check_count


@dataclass(frozen=True, eq=False)
class CharacterText:
    """A text as numbers of an alphabet.

    Attributes
    ----------
    alphabet : str
        The characters that occur, sorted.
    codes : ndarray of int64, shape (n,)
        The text: number of every character in the alphabet.
    """

    alphabet: str
    codes: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", frozen(self.codes, np.int64))

    def one_hot(self, codes: IntArray) -> FloatArray:
        """Return codes of any shape as vectors, one more axis, with a single 1.

        Parameters
        ----------
        codes : ndarray of int64, shape (...)

        Returns
        -------
        ndarray of float64, shape (..., len(alphabet))
        """
        return np.asarray(np.eye(len(self.alphabet))[codes])

    def draw(
        self, rng: np.random.Generator, length: int, batch_size: int
    ) -> tuple[IntArray, IntArray]:
        """Draw pieces of the text, and for every character the next one.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where the randomness comes from.
        length : int
            Number of characters of a piece.
        batch_size : int
            Number of pieces.

        Returns
        -------
        tuple of ndarray of int64, shape (batch_size, length)
            Codes of the pieces, and of the characters that follow each of theirs.
        """
        length, batch_size = check_count("length", length), check_count("batch_size", batch_size)
        if length >= len(self.codes):
            raise ValueError(
                f"length must be below the length of the text, {len(self.codes)}, got {length}"
            )
        starts = rng.integers(len(self.codes) - length, size=batch_size)
        pieces = self.codes[starts[:, None] + np.arange(length + 1)]
        return pieces[:, :-1], pieces[:, 1:]

    def decode(self, codes: IntArray) -> str:
        """Return the text of a sequence of codes."""
        return "".join(self.alphabet[code] for code in codes)

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        return f"CharacterText({len(self):,} characters, alphabet of {len(self.alphabet)})"


def character_text(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> CharacterText:
    """Read any text file as a sequence of characters.

    Parameters
    ----------
    path : path-like
        The file.
    encoding : str
        Its encoding.

    Returns
    -------
    CharacterText

    Raises
    ------
    ValueError
        If the file is not text in that encoding, or has fewer than two characters.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from rnndyn.training import datasets
    >>> _ = Path("text.txt").write_text("to be or not to be")
    >>> text = datasets.character_text("text.txt")
    >>> text
    CharacterText(18 characters, alphabet of 7)
    >>> codes, following = text.draw(np.random.default_rng(0), length=5, batch_size=2)
    >>> text.one_hot(codes).shape
    (2, 5, 7)
    """
    try:
        content = Path(path).read_text(encoding=encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in the encoding {encoding}: {error}") from error
    if len(content) < 2:
        raise ValueError(f"{path} must hold at least two characters, got {len(content)}")
    alphabet = "".join(sorted(set(content)))
    number = {character: code for code, character in enumerate(alphabet)}
    return CharacterText(alphabet, np.array([number[c] for c in content], dtype=np.int64))
