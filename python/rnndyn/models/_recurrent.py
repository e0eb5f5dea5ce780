"""What the recurrent networks of torch.nn have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn.models import _stepping
from rnndyn.models._layers import (
    ARGUMENTS,
    is_layer_name,
    layers_of_parameters,
    parameters_of_layers,
)
from rnndyn.models._model import Model


class RecurrentNetwork(Model):
    """Base class of the recurrent networks `RNN`, `GRU` and `LSTM`, as ``torch.nn`` defines them.

    The state is one vector: layer by layer, and in each layer of an LSTM first h, then c. Each
    step, layer 0 reads the external input and every other layer the new h of the layer below.
    """

    _n_gates: ClassVar[int]
    """Blocks of n rows in the weights of a layer with n units."""
    _states_per_unit: ClassVar[int] = 1
    """2 where a unit has a cell state c besides h."""
    _option_names: ClassVar[tuple[str, ...]] = ()

    _compiled: _core.System

    def __init__(
        self,
        weight_ih: ArrayLike | Sequence[ArrayLike | None] | None,
        weight_hh: ArrayLike | Sequence[ArrayLike],
        bias_ih: ArrayLike | Sequence[ArrayLike] | None,
        bias_hh: ArrayLike | Sequence[ArrayLike] | None,
        **options: str | bool,
    ) -> None:
        parameters = parameters_of_layers(weight_ih, weight_hh, bias_ih, bias_hh, self._n_gates)
        object.__setattr__(self, "_parameters", parameters)
        object.__setattr__(self, "_options", options)
        # The core copies the weights, so that a model cannot change under a running computation.
        compiled = _core.recurrent_network(
            self._kind(), self._layers(), bool(options.get("reset_after", True))
        )
        object.__setattr__(self, "_compiled", compiled)

    @abstractmethod
    def _kind(self) -> str:
        """Name of the network in the compiled core."""

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> Self:
        """Build a network from parameters and options by name.

        Parameters
        ----------
        values : mapping of str to array_like, str or None
            Parameters by the names of ``torch.nn``, such as ``"weight_hh_l0"``, and options. This
            is what file readers and converters call.

        Returns
        -------
        model

        Raises
        ------
        ValueError
            If a name is unknown or missing, or the constructor refuses a value.

        Examples
        --------
        >>> import rnndyn as rd
        >>> rd.RNN.from_parameters({"weight_hh_l0": [[0.5]], "nonlinearity": "relu"})
        RNN(n_inputs=0, hidden_size=1, n_layers=1, nonlinearity='relu')
        """
        for name in values:
            if not cls._is_name(name):
                known = [f"{argument}_l0" for argument in ARGUMENTS]
                raise ValueError(
                    f"{cls.family} has no parameter {name!r:.60}; its parameters are "
                    f"{', '.join(known)}, those of further layers with _l1, _l2, ..."
                    f"{''.join(f', and {option}' for option in cls._option_names)}"
                )
        options = {name: values[name] for name in cls._option_names if name in values}
        arrays = {name: array for name, array in values.items() if name not in options}
        arguments: dict[str, Any] = {**layers_of_parameters(arrays, cls.family), **options}
        return cls(**arguments)

    @classmethod
    def _is_name(cls, name: str) -> bool:
        return name in cls._option_names or is_layer_name(name)

    @property
    def n_layers(self) -> int:
        """Number of layers L."""
        return sum(name.startswith("weight_hh_") for name in self._parameters)

    @property
    def hidden_size(self) -> int:
        """Number of units n of each layer."""
        return int(self._parameters["weight_hh_l0"].shape[1])

    @property
    def n_states(self) -> int:
        """Number of states N: L n, for an LSTM 2 L n."""
        return self.n_layers * self.hidden_size * self._states_per_unit

    @property
    def n_inputs(self) -> int:
        """Number K of external inputs, 0 for a network without."""
        weight = self._parameters.get("weight_ih_l0")
        return 0 if weight is None else int(weight.shape[1])

    @property
    def _default_input(self) -> FloatArray:
        return np.zeros(self.n_inputs)

    def _system(self) -> _core.System:
        return self._compiled

    def step(self, states: ArrayLike, inputs: ArrayLike | None = None) -> FloatArray:
        """Apply the network once.

        Parameters
        ----------
        states : (..., N) array_like
            A state, or an array of states.
        inputs : (..., K) array_like, optional
            External input. Default: none, which is the input 0. The leading axes of states and
            inputs are broadcast against each other.

        Returns
        -------
        (..., N) array

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong shape or holds anything but finite real numbers.
        OverflowError
            If the next state exceeds the range of float64, which only ReLU units can do.
        """
        return _stepping.step(
            self._compiled,
            self._states("states", states),
            _stepping.to_inputs(inputs, self.n_inputs, self.family),
        )

    def orbit(
        self, z0: ArrayLike, n_steps: int | None = None, inputs: ArrayLike | None = None
    ) -> FloatArray:
        """Apply the network again and again and keep every state.

        Parameters
        ----------
        z0 : (..., N) array_like
            A first state, or an array of first states.
        n_steps : int, optional
            Number of steps T, at least 0. Not needed where `inputs` has one entry per step.
        inputs : (..., T, K) or (K,) array_like, optional
            External input of every step, or the same for all `n_steps`. Default: none, which is
            the input 0. Leading axes are broadcast against those of `z0`.

        Returns
        -------
        (..., T + 1, N) array
            The states in order, `z0` first.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        OverflowError
            If an orbit leaves the range of float64; the message names the step.

        Examples
        --------
        >>> import rnndyn as rd
        >>> model = rd.RNN([[1.0]], [[-2.0]], nonlinearity="relu")
        >>> model.orbit([1.0], inputs=[[3.0], [1.0], [0.5]]).ravel()
        array([1. , 1. , 0. , 0.5])
        """
        first = self._states("z0", z0)
        drive, length = _stepping.to_input_sequence(n_steps, inputs, self.n_inputs, self.family)
        return _stepping.orbit(self._compiled, first, drive, length)

    def jacobian(self, states: ArrayLike, inputs: ArrayLike | None = None) -> FloatArray:
        """Return the derivative of the next state with respect to the state.

        Parameters
        ----------
        states : (..., N) array_like
            A state, or an array of states.
        inputs : (..., K) array_like, optional
            External input. Default: none, which is the input 0.

        Returns
        -------
        (..., N, N) array
            Entry i, j is the derivative of next state i with respect to state j. It is lower
            triangular in blocks: no layer depends on one above it. The derivative of a ReLU at 0
            is 0.
        """
        return _stepping.jacobian(
            self._compiled,
            self._states("states", states),
            _stepping.to_inputs(inputs, self.n_inputs, self.family),
        )

    def with_constant_input(self, constant_input: ArrayLike) -> Self:
        """Return the network without external input that this one is under a constant input.

        Parameters
        ----------
        constant_input : (K,) array_like
            The input of every step. It becomes part of the bias of layer 0.

        Returns
        -------
        model
            Of the same family, with ``n_inputs`` 0.

        Examples
        --------
        >>> import rnndyn as rd
        >>> model = rd.RNN([[2.0]], [[0.5]])
        >>> free = model.with_constant_input([3.0])
        >>> free, free.get_parameter("bias_ih_l0[0]")
        (RNN(n_inputs=0, hidden_size=1, n_layers=1, nonlinearity='tanh'), 6.0)
        """
        values: dict[str, Any] = {**self._parameters, **self._options}
        weight = values.pop("weight_ih_l0", None)
        if weight is None:
            raise ValueError(f"this {self.family} has no external input that could be constant")
        constant = finite_numbers("constant_input", constant_input)
        if constant.shape != (self.n_inputs,):
            raise ValueError(
                f"constant_input must have shape (K,) with K = {self.n_inputs}, "
                f"got {constant.shape}"
            )
        for layer in range(self.n_layers):
            values.setdefault(f"bias_ih_l{layer}", np.zeros(self._n_gates * self.hidden_size))
        values["bias_ih_l0"] = values["bias_ih_l0"] + weight @ constant
        return type(self).from_parameters(values)

    def join_states(self, h: ArrayLike, c: ArrayLike | None = None) -> FloatArray:
        """Return the state vectors of hidden states in the layout of ``torch.nn``.

        Parameters
        ----------
        h : (L, ..., n) array_like
            Hidden state of every layer, such as ``h_0`` or ``h_n`` of torch.
        c : (L, ..., n) array_like
            Cell state of every layer of an LSTM; not for other networks.

        Returns
        -------
        (..., N) array

        Examples
        --------
        >>> import rnndyn as rd
        >>> network = rd.LSTM(None, [[0.5], [0.5], [0.5], [0.5]])
        >>> network.join_states(h=[[0.1]], c=[[0.7]])
        array([0.1, 0.7])
        """
        if (c is not None) != (self._states_per_unit == 2):
            needed = "needs" if c is None else "has no"
            raise TypeError(f"a state of this {self.family} {needed} cell states c")
        parts = [self._layered("h", h)] + ([] if c is None else [self._layered("c", c)])
        if len({part.shape for part in parts}) > 1:
            raise ValueError(f"c must have the shape of h, {parts[0].shape}, got {parts[1].shape}")
        joined = np.stack(parts, axis=-2)  # (L, ..., 1 or 2, n)
        return np.moveaxis(joined, 0, -3).reshape(*joined.shape[1:-2], self.n_states)

    def _states(self, name: str, value: object) -> FloatArray:
        return _stepping.to_states(name, value, self.n_states, hint=self._layout_hint)

    def _layout_hint(self, shape: tuple[int, ...]) -> str:
        """Say what to do with states as torch has them, layer by layer."""
        if len(shape) < 2 or (shape[0], shape[-1]) != (self.n_layers, self.hidden_size):
            return ""
        return ": states in the layout of torch, (layers, ..., units), become such by join_states"

    def _layered(self, name: str, value: ArrayLike) -> FloatArray:
        array = finite_numbers(name, value)
        ends = (self.n_layers, self.hidden_size)
        if array.ndim < 2 or (array.shape[0], array.shape[-1]) != ends:
            raise ValueError(
                f"{name} must have shape (L, ..., n) with L = {ends[0]} and n = {ends[1]}, "
                f"got {array.shape}"
            )
        return array

    def split_states(self, states: ArrayLike) -> tuple[FloatArray, ...]:
        """Return the hidden states of state vectors in the layout of ``torch.nn``.

        Parameters
        ----------
        states : (..., N) array_like
            State vectors.

        Returns
        -------
        tuple of (L, ..., n) array
            ``(h,)``, for an LSTM ``(h, c)``: the inverse of `join_states`.

        Examples
        --------
        >>> import rnndyn as rd
        >>> network = rd.LSTM(None, [[0.5], [0.5], [0.5], [0.5]])
        >>> network.split_states([0.1, 0.7])
        (array([[0.1]]), array([[0.7]]))
        """
        vectors = self._states("states", states)
        shape = (self.n_layers, self._states_per_unit, self.hidden_size)
        layered = np.moveaxis(vectors.reshape(*vectors.shape[:-1], *shape), (-3, -2), (1, 0))
        return tuple(np.ascontiguousarray(part) for part in layered)

    def _layers(self) -> list[tuple[FloatArray, FloatArray, FloatArray | None, FloatArray | None]]:
        """Return the arrays of every layer as the compiled core takes them."""
        parameters = self._parameters
        none = np.zeros((self._n_gates * self.hidden_size, 0))
        return [
            (
                parameters.get(f"weight_ih_l{layer}", none),
                parameters[f"weight_hh_l{layer}"],
                parameters.get(f"bias_ih_l{layer}"),
                parameters.get(f"bias_hh_l{layer}"),
            )
            for layer in range(self.n_layers)
        ]

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self._options.items())
        return (
            f"{self.family}(n_inputs={self.n_inputs}, hidden_size={self.hidden_size}, "
            f"n_layers={self.n_layers}{options})"
        )
