"""The piecewise-linear recurrent neural network."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm, as_matrix
from rnndyn.models._declarations import Parameter
from rnndyn.models._families import register_family


@register_family
class PLRNN(ModelWithInput):
    """Piecewise-linear recurrent neural network.

    ``F(z) = A z + W relu(z) + h``, plus a constant external input ``C s`` where one is given.

    Parameters
    ----------
    A : (M,) or (M, M) array_like
        Linear self-connections. A vector is the diagonal of a diagonal matrix.
    W : (M, M) array_like
        Weights between the rectified states.
    h : (M,) array_like
        Bias.
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
    Canonical form: W1 = W, W2 = I, h1 = h + C s, h2 = 0, so H = M.

    References
    ----------
    D. Durstewitz, "A state space approach for piecewise-linear recurrent neural networks for
    identifying computational dynamics from neural measurements", PLoS Computational Biology, 2017.

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.PLRNN(A=[0.5, 0.9], W=[[0.0, -0.6], [0.5, 0.0]], h=[0.4, -1.0])
    >>> model
    PLRNN(n_states=2, n_units=2)
    >>> model.step([1.0, -1.0])
    array([ 0.9, -1.4])
    """

    A = Parameter(("M",), ("M", "M"))
    W = Parameter(("M", "M"))
    h = Parameter(("M",))

    def __init__(
        self,
        A: ArrayLike,
        W: ArrayLike,
        h: ArrayLike,
        *,
        C: ArrayLike | None = None,
        s: ArrayLike | None = None,
    ) -> None:
        super().__init__(A=A, W=W, h=h, C=C, s=s)

    def _canonical_form(self) -> CanonicalForm:
        n_states = self.h.size
        return CanonicalForm(
            A=as_matrix(self.A),
            W1=self.W,
            W2=np.eye(n_states),
            h1=self._with_input(self.h),
            h2=np.zeros(n_states),
        )
