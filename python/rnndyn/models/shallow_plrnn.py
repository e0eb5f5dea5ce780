"""The shallow PLRNN."""

from __future__ import annotations

from numpy.typing import ArrayLike

from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm, as_matrix
from rnndyn.models._declarations import Parameter
from rnndyn.models._families import register_family


@register_family
class ShallowPLRNN(ModelWithInput):
    """Piecewise-linear recurrent neural network with one hidden layer.

    ``F(z) = A z + W1 relu(W2 z + h2) + h1``, plus a constant external input ``C s`` where one is
    given.

    Parameters
    ----------
    A : (M,) or (M, M) array_like
        Linear self-connections. A vector is the diagonal of a diagonal matrix.
    W1 : (M, H) array_like
        Weights from the hidden layer to the states.
    W2 : (H, M) array_like
        Weights from the states to the hidden layer.
    h1 : (M,) array_like
        Bias of the states.
    h2 : (H,) array_like
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
    This is the canonical map itself, with C s added to h1.

    References
    ----------
    F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, "Generalized teacher forcing for learning
    chaotic dynamics", ICML 2023.

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.ShallowPLRNN(
    ...     A=[0.5, 0.5],
    ...     W1=[[1.0, 0.0, -1.0], [0.0, 1.0, 1.0]],
    ...     W2=[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
    ...     h1=[0.0, 0.0],
    ...     h2=[0.0, -1.0, 0.5],
    ... )
    >>> model
    ShallowPLRNN(n_states=2, n_units=3)
    >>> model.step([1.0, 0.0])
    array([0. , 1.5])
    """

    A = Parameter(("M",), ("M", "M"))
    W1 = Parameter(("M", "H"))
    W2 = Parameter(("H", "M"))
    h1 = Parameter(("M",))
    h2 = Parameter(("H",))

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
            W1=self.W1,
            W2=self.W2,
            h1=self._with_input(self.h1),
            h2=self.h2,
        )
