"""The deep PLRNN: a feedforward ReLU network within each time step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray, finite_numbers
from rnndyn.models import _stepping
from rnndyn.models._canonical import CanonicalForm, as_matrix
from rnndyn.models._composition import Composition, applied, jacobian_of
from rnndyn.models._declarations import freeze
from rnndyn.models._families import register_family

_NAME = re.compile(r"A|[Wb][1-9]\d{0,3}")


@register_family
class DeepPLRNN(Composition):
    """Piecewise-linear recurrent network with several layers of ReLU units within a time step.

    ``F(z) = A z + W_L relu(W_{L-1} ... relu(W_1 z + b_1) ... + b_{L-1}) + b_L``.

    Parameters
    ----------
    A : (M,) or (M, M) array_like
        Linear part. A vector is the diagonal of a diagonal matrix.
    weights : list of array_like
        W_1 to W_L, of shapes (H_1, M), (H_2, H_1), ..., (M, H_{L-1}), as ``torch.nn.Linear`` has
        them; L is at least 3. With two it is a `ShallowPLRNN`.
    biases : list of array_like
        The vectors b_1 to b_L. A constant external input belongs to the last one.

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite; the message names the argument.
    TypeError
        If a value is not a real number.

    Notes
    -----
    The parameters are named ``A``, ``W1`` to ``WL`` and ``b1`` to ``bL``. A region has one bit for
    every unit, layer by layer. The layers rectify one after another, so that no map with a single
    layer of ReLUs on the same states is the same. The orbits that close after k steps are the fixed
    points of one, which has what goes into every layer at every step as its states; that is how
    `rnndyn.find_cycles` finds them.

    References
    ----------
    R. Pascanu, C. Gulcehre, K. Cho, Y. Bengio, "How to construct deep recurrent neural networks",
    ICLR 2014.

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.DeepPLRNN(
    ...     A=[0.5], weights=[[[1.0], [-1.0]], [[1.0, 1.0]], [[-2.0]]], biases=[[0, 0], [-1], [1]]
    ... )
    >>> model
    DeepPLRNN(n_states=1, n_units=3)
    >>> model.step([2.0])
    array([0.])
    >>> [cycle.order for cycle in rd.find_cycles(model, max_order=3)]
    [1, 1, 2]
    """

    _forms: tuple[CanonicalForm, ...]
    _compiled: _core.System

    def __init__(
        self, A: ArrayLike, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]
    ) -> None:
        parameters = _checked(A, weights, biases)
        object.__setattr__(self, "_parameters", parameters)
        object.__setattr__(self, "_options", {})
        forms = tuple(_forms_of(parameters, len(weights)))
        object.__setattr__(self, "_forms", forms)
        n_states = self.n_states
        object.__setattr__(
            self,
            "_compiled",
            _core.differentiable_map(n_states, self._step_of_rows, self._jacobian_of_rows),
        )

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> Self:
        """Build it from ``A``, ``W1`` to ``WL`` and ``b1`` to ``bL``."""
        for name in values:
            if not cls._is_name(name):
                raise ValueError(
                    f"DeepPLRNN has no parameter {name!r:.60}; its parameters are A, W1, b1, W2, "
                    "b2, ..."
                )
        n_layers = sum(name.startswith("W") for name in values)
        layers = range(1, n_layers + 1)
        missing = [n for n in ("A", *(f"{x}{i}" for i in layers for x in "Wb")) if n not in values]
        if missing or len(values) != 2 * n_layers + 1:
            missing = missing or ["W of every b"]
            raise ValueError(f"DeepPLRNN needs {', '.join(missing)}, got {', '.join(values)}")
        return cls(
            values["A"], [values[f"W{i}"] for i in layers], [values[f"b{i}"] for i in layers]
        )

    @classmethod
    def _is_name(cls, name: str) -> bool:
        return _NAME.fullmatch(name) is not None

    def _may_be_a_matrix(self, name: str) -> bool:
        return name == "A"

    @property
    def n_states(self) -> int:
        """Number of states M."""
        return int(self._parameters["W1"].shape[1])

    @property
    def n_layers(self) -> int:
        """Number L of weight matrices: one more than layers of units."""
        return (len(self._parameters) - 1) // 2

    @property
    def forms(self) -> tuple[CanonicalForm, ...]:
        """The maps that a time step consists of, one for each layer of units."""
        return self._forms

    @property
    def steps_per_round(self) -> int:
        """All maps together are one step."""
        return 1

    def _system(self) -> _core.System:
        return self._compiled

    def step(self, z: ArrayLike) -> FloatArray:
        """Apply the map once.

        Parameters
        ----------
        z : (..., M) array_like
            A state, or an array of states.

        Returns
        -------
        (..., M) array
        """
        states = _stepping.to_states("z", z, self.n_states, "M")
        return _stepping.step(self._compiled, states, np.zeros(0))

    def orbit(self, z0: ArrayLike, n_steps: int) -> FloatArray:
        """Apply the map `n_steps` times and keep every state.

        Parameters
        ----------
        z0 : (..., M) array_like
            A first state, or an array of first states.
        n_steps : int
            Number of steps, at least 0.

        Returns
        -------
        (..., n_steps + 1, M) array
            The states in order, `z0` first.
        """
        first = _stepping.to_states("z0", z0, self.n_states, "M")
        steps = _stepping.to_n_steps(n_steps)
        return _stepping.orbit(self._compiled, first, np.zeros((1, 0)), steps)

    def region(self, z: ArrayLike) -> BoolArray:
        """Return the linear region (..., H) of states (..., M): True for the units that are on."""
        states = _stepping.to_states("z", z, self.n_states, "M")
        bits = []
        for form in self._forms:
            bits.append(states @ form.W2.T + form.h2 > 0.0)
            states = applied(form, states)
        return np.concatenate(bits, axis=-1)

    def jacobian(
        self, z: ArrayLike | None = None, *, region: ArrayLike | None = None
    ) -> FloatArray:
        """Return the Jacobians (..., M, M) at states (..., M), or of regions (..., H)."""
        if (z is None) == (region is None):
            raise TypeError("jacobian needs either z or region, got both or neither")
        bits = self._regions(region) if z is None else self.region(z)
        ends = np.cumsum([len(form.h2) for form in self._forms])[:-1]
        jacobians = np.empty((*bits.shape[:-1], self.n_states, self.n_states))
        for index in np.ndindex(bits.shape[:-1]):
            product = np.eye(self.n_states)
            for form, own in zip(self._forms, np.split(bits[index], ends), strict=True):
                product = jacobian_of(form, own) @ product
            jacobians[index] = product
        return jacobians

    def _step_of_rows(self, states: FloatArray) -> FloatArray:
        for form in self._forms:
            states = applied(form, states)
        return np.ascontiguousarray(states)

    def _jacobian_of_rows(self, states: FloatArray) -> FloatArray:
        return self.jacobian(states)

    def __repr__(self) -> str:
        return f"DeepPLRNN(n_states={self.n_states}, n_units={self.n_units})"


def _checked(
    A: ArrayLike, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]
) -> dict[str, FloatArray]:
    """Return the arrays by name."""
    if len(weights) != len(biases):
        raise ValueError(
            f"biases must be as many as weights, {len(weights)}, got {len(biases)}; where there is "
            "none give zeros"
        )
    if len(weights) < 3:
        raise ValueError(
            f"weights must be at least 3 matrices, got {len(weights)}: with one layer of units "
            "give rnndyn.ShallowPLRNN(A, W1=W_2, W2=W_1, h1=b_2, h2=b_1)"
        )
    linear = finite_numbers("A", A)
    if linear.ndim not in (1, 2) or (linear.ndim == 2 and linear.shape[0] != linear.shape[1]):
        raise ValueError(f"A must have shape (M,) or (M, M), got {linear.shape}")
    n_states = width = len(linear)
    parameters = {"A": freeze(linear)}
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        W, b = finite_numbers(f"W{number}", weight), finite_numbers(f"b{number}", bias)
        height = n_states if number == len(weights) else (len(W) if W.ndim else 0)
        if W.shape != (height, width) or not height:
            wanted = f"({'M' if number == len(weights) else f'H_{number}'}, {width})"
            raise ValueError(
                f"W{number} must have shape {wanted}, M = {n_states}, got {W.shape}: rows are what "
                "comes out, columns what goes in"
            )
        if b.shape != (height,):
            raise ValueError(f"b{number} must have shape ({height},), got {b.shape}")
        parameters[f"W{number}"] = freeze(W)
        parameters[f"b{number}"] = freeze(b)
        width = height
    return parameters


def _forms_of(parameters: Mapping[str, FloatArray], n_layers: int) -> list[CanonicalForm]:
    """Return one map for each layer of units; z, or A z, goes past those in between."""
    linear = as_matrix(parameters["A"])
    m = len(linear)
    forms = []
    for number in range(1, n_layers - 1):
        W, b = parameters[f"W{number}"], parameters[f"b{number}"]
        n, before = W.shape
        past = linear if number == 1 else np.eye(m, m + before)
        n_in = past.shape[1]
        forms.append(
            CanonicalForm(
                A=np.vstack([past, np.zeros((n, n_in))]),
                W1=np.vstack([np.zeros((m, n)), np.eye(n)]),
                W2=np.hstack([np.zeros((n, n_in - before)), W]),
                h1=np.zeros(m + n),
                h2=b,
            )
        )
    last, out = n_layers - 1, n_layers
    W = parameters[f"W{last}"]
    forms.append(
        CanonicalForm(
            A=np.eye(m, m + W.shape[1]),
            W1=parameters[f"W{out}"],
            W2=np.hstack([np.zeros((len(W), m)), W]),
            h1=parameters[f"b{out}"],
            h2=parameters[f"b{last}"],
        )
    )
    return forms
