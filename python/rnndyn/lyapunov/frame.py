"""The tangent frame at the end of a run, which another run can start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnndyn._common.arrays import FloatArray, frozen
from rnndyn._common.compare import ByFields


@dataclass(frozen=True, eq=False, repr=False)
class TangentFrame(ByFields):
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

    blocks: tuple[FloatArray, ...]
    joint: bool = False

    def __post_init__(self) -> None:
        blocks = tuple(frozen(block, np.float64) for block in self.blocks)
        object.__setattr__(self, "blocks", blocks)
        object.__setattr__(self, "joint", bool(self.joint))
        shapes = [block.shape for block in blocks]
        if (
            not shapes
            or any(len(shape) != 3 for shape in shapes)
            or len({shape[0] for shape in shapes}) != 1
            or any(not 1 <= m <= n for _, n, m in shapes)
            or (self.joint and len(shapes) != 1)
        ):
            raise ValueError(
                "a tangent frame needs blocks of shape (B, n, m) with 1 <= m <= n and one B, got "
                f"shapes {shapes}"
            )
        if not all(np.isfinite(block).all() for block in blocks):
            raise ValueError("a tangent frame must hold finite numbers, got NaN or infinity")

    @property
    def n_sequences(self) -> int:
        """Number of sequences B."""
        return int(self.blocks[0].shape[0])

    @property
    def n_vectors(self) -> int:
        """Most vectors of a layer: the number of exponents that the frame was made for."""
        return max(int(block.shape[2]) for block in self.blocks)

    def __repr__(self) -> str:
        shapes = [block.shape[1:] for block in self.blocks]
        return f"TangentFrame(n_sequences={self.n_sequences}, {shapes=}, joint={self.joint})"
