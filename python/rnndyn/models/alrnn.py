"""The almost-linear recurrent neural network."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm, as_matrix
from rnndyn.models._declarations import Count, Parameter
from rnndyn.models._families import register_family


@register_family
class ALRNN(ModelWithInput):
    """Almost-linear recurrent neural network: a PLRNN in which only the last units are rectified.

    ``F(z) = A z + W Phi(z) + h``, plus a constant external input ``C s`` where one is given;
    Phi leaves the first M - P states as they are and applies relu to the last P = `n_relu`.

    Parameters
    ----------
    A : (M,) or (M, M) array_like
        Linear self-connections. A vector is the diagonal of a diagonal matrix.
    W : (M, M) array_like
        Weights.
    h : (M,) array_like
        Bias.
    n_relu : int
        Number P of rectified states, from 0 (an affine map) to M (a PLRNN).
    C : (M, K) array_like, optional
        Weights of the external input; together with `s`.
    s : (K,) array_like, optional
        The constant external input.

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite; the message names the argument.
    TypeError
        If a value is not a real number, or `n_relu` is not a whole number.

    Notes
    -----
    Canonical form: the first M - P columns of W join A; W1 is the rest of W, W2 the last P rows of
    the identity, h1 = h + C s, h2 = 0. So H = P: a region has one bit for each rectified state.

    References
    ----------
    M. Brenner, C. J. Hemmer, Z. Monfared, D. Durstewitz, "Almost-linear RNNs yield highly
    interpretable symbolic codes in dynamical systems reconstruction", NeurIPS 2024.

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.ALRNN(A=[0.5, 0.9], W=[[0.0, -0.6], [0.5, 0.0]], h=[0.4, -1.0], n_relu=1)
    >>> model
    ALRNN(n_states=2, n_units=1)
    >>> model.step([-1.0, 2.0])
    array([-1.3,  0.3])
    """

    A = Parameter(("M",), ("M", "M"))
    W = Parameter(("M", "M"))
    h = Parameter(("M",))
    n_relu = Count(upper="M")

    def __init__(
        self,
        A: ArrayLike,
        W: ArrayLike,
        h: ArrayLike,
        n_relu: int,
        *,
        C: ArrayLike | None = None,
        s: ArrayLike | None = None,
    ) -> None:
        super().__init__(A=A, W=W, h=h, n_relu=n_relu, C=C, s=s)

    def _canonical_form(self) -> CanonicalForm:
        n_states = self.h.size
        n_linear = n_states - self.n_relu
        A = as_matrix(self.A).copy()
        A[:, :n_linear] += self.W[:, :n_linear]
        return CanonicalForm(
            A=A,
            W1=self.W[:, n_linear:],
            W2=np.eye(n_states)[n_linear:],
            h1=self._with_input(self.h),
            h2=np.zeros(self.n_relu),
        )
