"""The Elman network with ReLU units."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._declarations import Parameter
from rnndyn.models._families import register_family


@register_family
class ReLURNN(ModelWithInput):
    """Recurrent neural network with rectified linear units.

    ``F(z) = relu(W_hh z + b)``, or ``relu(W_hh z + C s + b)`` with a constant external input.

    Parameters
    ----------
    W_hh : (M, M) array_like
        Recurrent weights.
    b : (M,) array_like
        Bias. A network with two biases, such as ``torch.nn.RNN``, has their sum here.
    C : (M, K) array_like, optional
        Weights of the external input (W_ih elsewhere); together with `s`.
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
    Canonical form: A = 0, W1 = I, W2 = W_hh, h1 = 0, h2 = b + C s, so H = M. A region tells which
    units are on in the *next* state.

    References
    ----------
    Q. V. Le, N. Jaitly, G. E. Hinton, "A simple way to initialize recurrent networks of rectified
    linear units", arXiv:1504.00941, 2015.

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.ReLURNN(W_hh=[[0.0, -1.0], [1.0, 0.0]], b=[0.5, 0.0])
    >>> model
    ReLURNN(n_states=2, n_units=2)
    >>> model.step([2.0, 1.0])
    array([0., 2.])
    """

    W_hh = Parameter(("M", "M"))
    b = Parameter(("M",))

    def __init__(
        self,
        W_hh: ArrayLike,
        b: ArrayLike,
        *,
        C: ArrayLike | None = None,
        s: ArrayLike | None = None,
    ) -> None:
        super().__init__(W_hh=W_hh, b=b, C=C, s=s)

    def _canonical_form(self) -> CanonicalForm:
        n_states = self.b.size
        return CanonicalForm(
            A=np.zeros((n_states, n_states)),
            W1=np.eye(n_states),
            W2=self.W_hh,
            h1=np.zeros(n_states),
            h2=self._with_input(self.b),
        )

    def _input_weights(self, C: FloatArray) -> tuple[FloatArray | None, FloatArray | None]:
        return None, C
