"""The low-rank RNN, as the map of its latent states."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._declarations import Flag, OptionalParameter, Parameter
from rnndyn.models._families import register_family


@register_family
class LowRankRNN(ModelWithInput):
    """Recurrent network of N ReLU units whose recurrent weights have rank R.

    The activity of the units is ``m z``, with R latent states z that follow
    ``F(z) = A z + n relu(m z - h)``, or with ``clipped=True``
    ``F(z) = A z + n (relu(m z + h) - relu(m z))``. So the dynamics are those of R states, however
    many units there are.

    Parameters
    ----------
    m : (N, R) array_like
        Left vectors: weights from the latent states to the units.
    n : (R, N) array_like
        Right vectors: weights from the units to the latent states; the recurrent weights of the
        units are ``m @ n``.
    h : (N,) array_like
        Thresholds of the units; with ``clipped=True`` the heights at which they saturate.
    A : () or (R,) array_like
        Decay of the latent states, one for all or one for each.
    clipped : bool
        Whether the units saturate.
    C : (N, K) array_like, optional
        Weights of the external input to the units; together with `s`.
    s : (K,) array_like, optional
        The constant external input; ``C s`` is added to ``m z``.

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite; the message names the argument.
    TypeError
        If a value is not a real number.

    See Also
    --------
    rnndyn.find_fixed_points : Finds all fixed points of up to four latent states in well under a
        second for a thousand units, with a proof that none is missing.

    Notes
    -----
    Canonical form: M = R states, ``W1 = n, W2 = m, h1 = 0, h2 = C s - h``; with ``clipped=True``
    ``W1 = [n, -n], W2 = [m; m], h2 = [C s + h, C s]`` and H = 2 N. Where R > N is meant, give a
    `ShallowPLRNN`.

    References
    ----------
    M. Pals, A. E. Sağtekin, F. Pei, M. Gloeckler, J. H. Macke, "Inferring stochastic low-rank
    recurrent neural networks from neural data", NeurIPS 2024.

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.LowRankRNN(
    ...     m=[[1.0], [-1.0], [2.0]], n=[[0.5, 0.25, -0.5]], h=[0.0, -1.0, 1.0], A=0.9
    ... )
    >>> model
    LowRankRNN(n_states=1, n_units=3)
    >>> model.step([1.0])
    array([0.9])
    """

    m = Parameter(("N", "M"))
    n = Parameter(("M", "N"))
    h = Parameter(("N",))
    A = Parameter((), ("M",))
    clipped = Flag()
    C = OptionalParameter(("N", "K"))

    def __init__(
        self,
        m: ArrayLike,
        n: ArrayLike,
        h: ArrayLike,
        A: ArrayLike,
        *,
        clipped: bool = False,
        C: ArrayLike | None = None,
        s: ArrayLike | None = None,
    ) -> None:
        super().__init__(m=m, n=n, h=h, A=A, clipped=clipped, C=C, s=s)

    def _canonical_form(self) -> CanonicalForm:
        rank = self.m.shape[1]
        linear = np.diag(np.broadcast_to(self.A, rank))
        if not self.clipped:
            return CanonicalForm(
                A=linear, W1=self.n, W2=self.m, h1=np.zeros(rank), h2=self._with_input(-self.h)
            )
        return CanonicalForm(
            A=linear,
            W1=np.hstack([self.n, -self.n]),
            W2=np.vstack([self.m, self.m]),
            h1=np.zeros(rank),
            h2=np.concatenate([self._with_input(self.h), self._with_input(np.zeros_like(self.h))]),
        )

    def _input_weights(self, C: FloatArray) -> tuple[FloatArray | None, FloatArray | None]:
        return None, np.vstack([C, C]) if self.clipped else C

    def units(self, z: ArrayLike) -> FloatArray:
        """Return the activity of the units before the ReLU, ``m z + C s``.

        Parameters
        ----------
        z : (..., R) array_like
            Latent states, such as the points of a cycle.

        Returns
        -------
        (..., N) array
        """
        return self._with_input(self._states("z", z) @ self.m.T)
