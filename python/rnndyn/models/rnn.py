"""The Elman network of torch.nn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, finite_numbers
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
        """Return a ReLU network as the piecewise-linear map that it is.

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
            If the units are not ReLUs, or the input does not fit.

        See Also
        --------
        layers_in_step : The states of this network on a cycle of that one.
        layers_apart : The states of that one which states of this network lead to.

        Notes
        -----
        The layers of a stacked network rectify one after another within a step, which no map with
        one layer of ReLUs does. With the states of layer l taken l steps late it is one: with
        ``v_t = (h0_t, h1_{t-1}, h2_{t-2}, ...)`` every entry of ``v_{t+1}`` is a ReLU of a linear
        function of ``v_t``, with the weights

            W_hh = [[weight_hh_l0, 0,            0,            ...],
                    [weight_ih_l1, weight_hh_l1, 0,            ...],
                    [0,            weight_ih_l2, weight_hh_l2, ...], ...]

        Orbits of the two networks are the same numbers at other times, so that fixed points and
        cycles correspond one to one, with the same multipliers: both are products around the cycle
        of the Jacobians of single layers, block by block. A cycle that is stable in one is in the
        other. `layers_in_step` moves the layers back.

        Results have this map as their ``model``, and all their states are states of it; so are
        those that their methods, and functions of a result, take: give them
        ``layers_apart(states)``. What is given along with the stacked network itself is of the
        network, and is converted, or refused where the map is another thing.

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
        n, n_layers = self.hidden_size, self.n_layers
        recurrent, bias = np.zeros((n_layers * n, n_layers * n)), np.zeros(n_layers * n)
        for layer in range(n_layers):
            own = slice(layer * n, (layer + 1) * n)
            recurrent[own, own] = self._parameters[f"weight_hh_l{layer}"]
            if layer:
                below = slice((layer - 1) * n, layer * n)
                recurrent[own, below] = self._parameters[f"weight_ih_l{layer}"]
            for name in (f"bias_ih_l{layer}", f"bias_hh_l{layer}"):
                bias[own] += self._parameters.get(name, 0.0)
        C = self._parameters.get("weight_ih_l0")
        if C is None:
            if constant_input is not None:
                raise ValueError("this RNN has no external input: leave out constant_input")
            return ReLURNN(recurrent, bias)
        s = np.zeros(self.n_inputs) if constant_input is None else constant_input
        if finite_numbers("constant_input", s).shape != (self.n_inputs,):
            raise ValueError(
                f"constant_input must have shape (K,) with K = {self.n_inputs}, got {np.shape(s)}"
            )
        into_first_layer = np.concatenate([C, np.zeros(((n_layers - 1) * n, self.n_inputs))])
        return ReLURNN(recurrent, bias, C=into_first_layer, s=s)

    def layers_apart(
        self, states: ArrayLike, constant_input: ArrayLike | None = None
    ) -> FloatArray:
        """Return the states of its piecewise-linear map that states of this network lead to.

        Parameters
        ----------
        states : (..., N) array_like
            A state, or an array of states, as ``torch.nn.RNN`` has them.
        constant_input : (K,) array_like, optional
            The external input of every step, as for `as_piecewise_linear`; or, for each of
            ``n_layers - 1`` steps, one row of (..., n_layers - 1, K).

        Returns
        -------
        (..., N) array
            Layer l as it is ``n_layers - 1 - l`` steps later, so that all of them are known. The
            orbit of the map from there is that of this network with layer l taken l steps late,
            and ends where that ends. Of a network of one layer they are the states themselves.

        Raises
        ------
        ValueError
            If the units are not ReLUs, or a shape does not fit.
        OverflowError
            If an orbit leaves the range of float64.

        Examples
        --------
        >>> import rnndyn as rd
        >>> stacked = rd.RNN(
        ...     [None, [[1.0]]], [[[-2.0]], [[0.5]]], [[1.0], [0.0]], nonlinearity="relu"
        ... )
        >>> stacked.orbit([0.25, 1.0], 2)
        array([[0.25, 1.  ],
               [0.5 , 1.  ],
               [0.  , 0.5 ]])
        >>> late = stacked.layers_apart([0.25, 1.0])
        >>> stacked.as_piecewise_linear().orbit(late, 1)
        array([[0.5, 1. ],
               [0. , 1. ]])
        """
        if self.nonlinearity != "relu":
            raise ValueError(
                "only a network with nonlinearity='relu' is piecewise linear, "
                f"this one has nonlinearity={self.nonlinearity!r}"
            )
        last = self.n_layers - 1
        first = self._states("states", states)
        if last == 0:
            return first
        visited = self.orbit(first, last, constant_input)
        layers = visited.reshape(*visited.shape[:-1], self.n_layers, self.hidden_size)
        apart = [layers[..., last - own, own, :] for own in range(self.n_layers)]
        return np.ascontiguousarray(np.concatenate(apart, axis=-1))

    def layers_in_step(self, points: ArrayLike) -> FloatArray:
        """Return the states of this network on a cycle of its piecewise-linear map.

        Parameters
        ----------
        points : (k, N) array_like
            The points of a cycle of ``as_piecewise_linear(...)``, in the order in which they are
            visited. There the states of layer l are l steps late.

        Returns
        -------
        (k, N) array
            The states at the same steps, as ``torch.nn.RNN`` has them. Of a network of one layer
            they are the points themselves.

        Examples
        --------
        >>> import rnndyn as rd
        >>> stacked = rd.RNN(
        ...     [None, [[1.0]]], [[[-2.0]], [[0.5]]], [[1.0], [0.0]], nonlinearity="relu"
        ... )
        >>> cycle = rd.find_cycles(stacked, orders=[2])[0]
        >>> states = stacked.layers_in_step(cycle.points)
        >>> bool(abs(stacked.step(states[0]) - states[1]).max() < 1e-12)
        True
        """
        visited = self._states("points", points)
        if visited.ndim != 2:
            raise ValueError(f"points must have shape (k, N), got {visited.shape}")
        layers = visited.reshape(len(visited), self.n_layers, self.hidden_size)
        moved = [np.roll(layers[:, layer], -layer, axis=0) for layer in range(self.n_layers)]
        return np.concatenate(moved, axis=1)
