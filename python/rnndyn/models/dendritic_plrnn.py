"""The PLRNN with dendritic branches."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm, as_matrix
from rnndyn.models._declarations import Flag, Parameter
from rnndyn.models._families import register_family


@register_family
class DendriticPLRNN(ModelWithInput):
    """Piecewise-linear recurrent neural network with a basis expansion in every unit.

    ``F(z) = A z + W sum_b alpha_b relu(z - theta_b) + h``, plus a constant external input ``C s``
    where one is given; theta_b is row b of `thresholds`. With ``clipped=True`` every branch is
    bounded: ``F(z) = A z + W sum_b alpha_b [relu(z - theta_b) - relu(z)] + h``.

    Parameters
    ----------
    A : (M,) or (M, M) array_like
        Linear self-connections. A vector is the diagonal of a diagonal matrix.
    W : (M, M) array_like
        Weights between the units.
    h : (M,) array_like
        Bias.
    alpha : (B,) array_like
        Slopes of the B branches, the same in all units.
    thresholds : (B, M) array_like
        Thresholds theta of the branches, one row for each branch.
    clipped : bool, default False
        Subtract relu(z) in every branch, so that orbits stay bounded where the spectral radius of
        A is below 1.
    C : (M, K) array_like, optional
        Weights of the external input; together with `s`.
    s : (K,) array_like, optional
        The constant external input.

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite; the message names the argument.
    TypeError
        If a value is not a real number, or `clipped` is not a bool.

    Notes
    -----
    Canonical form: W1 = [alpha_1 W, ..., alpha_B W], W2 = [I; ...; I],
    h2 = -(theta_1, ..., theta_B), h1 = h + C s, so H = B M and hidden unit b M + i is branch b of
    state i. Clipping adds one more block: the relu(z) of all branches together are one relu with
    weights -(alpha_1 + ... + alpha_B) W, so H = (B + 1) M.

    References
    ----------
    M. Brenner, F. Hess, J. M. Mikhaeil, L. F. Bereska, Z. Monfared, P.-C. Kuo, D. Durstewitz,
    "Tractable dendritic RNNs for reconstructing nonlinear dynamical systems", ICML 2022.

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.DendriticPLRNN(
    ...     A=[0.5], W=[[2.0]], h=[0.0], alpha=[1.0, -0.5], thresholds=[[0.0], [1.0]]
    ... )
    >>> model
    DendriticPLRNN(n_states=1, n_units=2)
    >>> model.step([3.0])
    array([5.5])
    >>> model.with_parameters(clipped=True).step([3.0])
    array([2.5])
    """

    A = Parameter(("M",), ("M", "M"))
    W = Parameter(("M", "M"))
    h = Parameter(("M",))
    alpha = Parameter(("B",))
    thresholds = Parameter(("B", "M"))
    clipped = Flag()

    def __init__(
        self,
        A: ArrayLike,
        W: ArrayLike,
        h: ArrayLike,
        alpha: ArrayLike,
        thresholds: ArrayLike,
        clipped: bool = False,
        *,
        C: ArrayLike | None = None,
        s: ArrayLike | None = None,
    ) -> None:
        super().__init__(
            A=A, W=W, h=h, alpha=alpha, thresholds=thresholds, clipped=clipped, C=C, s=s
        )

    def _canonical_form(self) -> CanonicalForm:
        n_states = self.h.size
        alpha, thresholds = self.alpha, self.thresholds
        if self.clipped:
            alpha = np.append(alpha, -alpha.sum())
            thresholds = np.vstack([thresholds, np.zeros(n_states)])
        return CanonicalForm(
            A=as_matrix(self.A),
            W1=np.hstack([slope * self.W for slope in alpha]),
            W2=np.tile(np.eye(n_states), (alpha.size, 1)),
            h1=self._with_input(self.h),
            h2=-thresholds.ravel(),
        )
