"""The tangent frame at the end of a run, which another run can start from."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnndyn._arrays import FloatArray, frozen


class TangentFrame:
    """Orthonormal tangent vectors of every sequence, to go on with: ``frame=`` of another call.

    A frame that has followed an orbit is aligned with the directions that grow fastest. Where the
    network has changed little since, as during training, it is a better start than a random one
    and needs no transient.

    Attributes
    ----------
    blocks : tuple of ndarray of float64
        One array of shape (B, n_l, m_l) for each layer, or a single one of shape (B, N, m) where
        `joint`; its columns are orthonormal.
    joint : bool
        Whether the vectors are those of the whole state, not of each layer.

    Examples
    --------
    >>> import rnndyn as rd
    >>> lozi = rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])
    >>> first = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=1000)
    >>> first.frame
    TangentFrame(n_sequences=1, shapes=[(2, 2)], joint=False)
    >>> later = rd.lyapunov_spectrum(lozi, z0=first.states, frame=first.frame, n_steps=1000)
    >>> later.run.options["transient"]
    0
    """

    def __init__(self, blocks: Sequence[Any], joint: bool = False) -> None:
        self._blocks = tuple(frozen(block, np.float64) for block in blocks)
        self._joint = bool(joint)
        shapes = [block.shape for block in self._blocks]
        if (
            not shapes
            or any(len(shape) != 3 for shape in shapes)
            or len({shape[0] for shape in shapes}) != 1
            or any(not 1 <= m <= n for _, n, m in shapes)
            or (self._joint and len(shapes) != 1)
        ):
            raise ValueError(
                "a tangent frame needs blocks of shape (B, n, m) with 1 <= m <= n and one B, got "
                f"shapes {shapes}"
            )
        if not all(np.isfinite(block).all() for block in self._blocks):
            raise ValueError("a tangent frame must hold finite numbers, got NaN or infinity")

    @property
    def blocks(self) -> tuple[FloatArray, ...]:
        """The vectors of each layer, or of the whole state, read-only."""
        return self._blocks

    @property
    def joint(self) -> bool:
        """Whether the vectors are those of the whole state."""
        return self._joint

    @property
    def n_sequences(self) -> int:
        """Number of sequences B."""
        return int(self._blocks[0].shape[0])

    @property
    def n_vectors(self) -> int:
        """Most vectors of a layer: the number of exponents that the frame was made for."""
        return max(int(block.shape[2]) for block in self._blocks)

    def __repr__(self) -> str:
        shapes = [block.shape[1:] for block in self._blocks]
        return f"TangentFrame(n_sequences={self.n_sequences}, {shapes=}, joint={self._joint})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TangentFrame):
            return NotImplemented
        return (
            self._joint == other._joint
            and len(self._blocks) == len(other._blocks)
            and all(map(np.array_equal, self._blocks, other._blocks))
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._blocks, self._joint)
