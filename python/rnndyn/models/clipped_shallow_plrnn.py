"""The clipped shallow PLRNN."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm, as_matrix
from rnndyn.models._declarations import Parameter
from rnndyn.models._families import register_family


@register_family
class ClippedShallowPLRNN(ModelWithInput):
    """Shallow piecewise-linear recurrent neural network with bounded hidden units.

    ``F(z) = A z + W1 [relu(W2 z + h2) - relu(W2 z)] + h1``, plus a constant external input ``C s``
    where one is given. The bracket is bounded, so orbits are bounded where the spectral radius of
    A is below 1.

    Parameters
    ----------
    A : (M,) or (M, M) array_like
        Linear self-connections. A vector is the diagonal of a diagonal matrix.
    W1 : (M, L) array_like
        Weights from the hidden layer to the states.
    W2 : (L, M) array_like
        Weights from the states to the hidden layer.
    h1 : (M,) array_like
        Bias of the states.
    h2 : (L,) array_like
        Bias of the hidden layer.
    C : (M, K) array_like, optional
        Weights of the external input; together with `s`.
    s : (K,) array_like, optional
        The constant external input.

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite; the message names the argument.
    TypeError
        If a value is not a real number.

    Notes
    -----
    Canonical form: W1 becomes [W1, -W1], W2 becomes [W2; W2], h2 becomes (h2, 0) and
    h1 becomes h1 + C s, so H = 2 L: first the units with bias, then those without.

    References
    ----------
    F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, "Generalized teacher forcing for learning
    chaotic dynamics", ICML 2023.

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.ClippedShallowPLRNN(A=[0.5], W1=[[2.0]], W2=[[1.0]], h1=[0.0], h2=[1.0])
    >>> model
    ClippedShallowPLRNN(n_states=1, n_units=2)
    >>> model.step([[-3.0], [-0.5], [100.0]])
    array([[-1.5 ],
           [ 0.75],
           [52.  ]])
    """

    A = Parameter(("M",), ("M", "M"))
    W1 = Parameter(("M", "L"))
    W2 = Parameter(("L", "M"))
    h1 = Parameter(("M",))
    h2 = Parameter(("L",))

    def __init__(
        self,
        A: ArrayLike,
        W1: ArrayLike,
        W2: ArrayLike,
        h1: ArrayLike,
        h2: ArrayLike,
        *,
        C: ArrayLike | None = None,
        s: ArrayLike | None = None,
    ) -> None:
        super().__init__(A=A, W1=W1, W2=W2, h1=h1, h2=h2, C=C, s=s)

    def _canonical_form(self) -> CanonicalForm:
        return CanonicalForm(
            A=as_matrix(self.A),
            W1=np.hstack([self.W1, -self.W1]),
            W2=np.vstack([self.W2, self.W2]),
            h1=self._with_input(self.h1),
            h2=np.append(self.h2, np.zeros_like(self.h2)),
        )
