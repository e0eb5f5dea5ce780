"""The Elman network of torch.nn."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import finite_numbers
from rnndyn.models._families import register_family
from rnndyn.models._recurrent import RecurrentNetwork
from rnndyn.models.relu_rnn import ReLURNN

_NONLINEARITIES = ("tanh", "relu")


@register_family
class RNN(RecurrentNetwork):
    """Recurrent neural network with tanh or ReLU units, as ``torch.nn.RNN`` defines it.

    ``h' = phi(W_ih x + b_ih + W_hh h + b_hh)`` in every layer, with phi = tanh or relu; x is the
    external input in layer 0 and the new h of the layer below in the others.

    Parameters
    ----------
    weight_ih : (n, K) array_like, or list of arrays
        Weights of the external input; for further layers (n, n), weights of the layer below. An
        array is a network of one layer, a list has one entry per layer. None, also as first entry
        of a list, is a network without external input.
    weight_hh : (n, n) array_like, or list of arrays
        Recurrent weights.
    bias_ih, bias_hh : (n,) array_like, or list of arrays, optional
        Biases; torch has two. Default: none, which is ``bias=False`` in torch.
    nonlinearity : {"tanh", "relu"}
        Activation of the units.

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite; the message names the argument by
        torch's name, such as ``weight_hh_l0`` for layer 0.
    TypeError
        If a value is not a real number.

    See Also
    --------
    rnndyn.from_torch : Take the weights of a ``torch.nn.RNN``.

    Notes
    -----
    The state is the h of all layers, layer by layer: N = L n. Every weight is converted to float64.

    References
    ----------
    J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990) 179-211.

    Examples
    --------
    >>> import rnndyn as rd
    >>> network = rd.RNN(weight_ih=[[1.0], [0.0]], weight_hh=[[0.0, -2.0], [2.0, 0.0]])
    >>> network
    RNN(n_inputs=1, hidden_size=2, n_layers=1, nonlinearity='tanh')
    >>> network.step([0.5, 0.25], [0.5]).round(4)
    array([0.    , 0.7616])
    """

    _n_gates = 1
    _option_names: ClassVar[tuple[str, ...]] = ("nonlinearity",)

    def __init__(
        self,
        weight_ih: ArrayLike | Sequence[ArrayLike | None] | None,
        weight_hh: ArrayLike | Sequence[ArrayLike],
        bias_ih: ArrayLike | Sequence[ArrayLike] | None = None,
        bias_hh: ArrayLike | Sequence[ArrayLike] | None = None,
        *,
        nonlinearity: str = "tanh",
    ) -> None:
        if nonlinearity not in _NONLINEARITIES:
            kind = ValueError if isinstance(nonlinearity, str) else TypeError
            raise kind(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r:.60}")
        super().__init__(weight_ih, weight_hh, bias_ih, bias_hh, nonlinearity=nonlinearity)

    @property
    def nonlinearity(self) -> str:
        """Activation of the units, ``"tanh"`` or ``"relu"``."""
        return str(self._options["nonlinearity"])

    def _kind(self) -> str:
        return f"rnn_{self.nonlinearity}"

    def as_piecewise_linear(self, constant_input: ArrayLike | None = None) -> ReLURNN:
        """Return a ReLU network of one layer as the piecewise-linear map that it is.

        Parameters
        ----------
        constant_input : (K,) array_like, optional
            The external input of every step. Default: none, which is the input 0.

        Returns
        -------
        ReLURNN
            For `rnndyn.find_cycles` and the like. Its bias b is ``b_ih + b_hh``; where this
            network has an external input, it has the weights C = ``weight_ih`` and the input s.

        Raises
        ------
        ValueError
            If the units are not ReLUs, there are several layers, or the input does not fit.

        Examples
        --------
        >>> import rnndyn as rd
        >>> network = rd.RNN([[1.0]], [[-2.0]], nonlinearity="relu")
        >>> network.as_piecewise_linear([1.0])
        ReLURNN(n_states=1, n_units=1)
        >>> rd.find_fixed_points(network.as_piecewise_linear([1.0]))[0].points
        array([[0.33333333]])
        """
        if self.nonlinearity != "relu":
            raise ValueError(
                "only a network with nonlinearity='relu' is piecewise linear, "
                f"this one has nonlinearity={self.nonlinearity!r}"
            )
        if self.n_layers > 1:
            raise ValueError(
                "only a network of one layer is a ReLURNN, this one has "
                f"{self.n_layers}: its layers rectify one after another within one step"
            )
        bias = np.zeros(self.hidden_size)
        for name in ("bias_ih_l0", "bias_hh_l0"):
            bias = bias + self._parameters.get(name, 0.0)
        C = self._parameters.get("weight_ih_l0")
        if C is None:
            if constant_input is not None:
                raise ValueError("this RNN has no external input: leave out constant_input")
            return ReLURNN(self._parameters["weight_hh_l0"], bias)
        s = np.zeros(self.n_inputs) if constant_input is None else constant_input
        if finite_numbers("constant_input", s).shape != (self.n_inputs,):
            raise ValueError(
                f"constant_input must have shape (K,) with K = {self.n_inputs}, got {np.shape(s)}"
            )
        return ReLURNN(self._parameters["weight_hh_l0"], bias, C=C, s=s)
