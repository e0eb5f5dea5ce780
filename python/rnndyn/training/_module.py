"""What the trainable networks share: parameters by name, and conversion to and from models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from rnndyn._common.checks import check_count, check_integer
from rnndyn.models._base import ModelWithInput
from rnndyn.training.initialization import glorot_uniform

#: More than this is a typing error.
_LARGEST_SIZE = 1_000_000


class TrainableModel(torch.nn.Module, ABC):
    """Base class of the trainable networks: a `torch.nn.Module` that is one step of its map.

    ``module(z)`` is the next state, for states z of shape (..., M); ``module(z, s)`` with external
    inputs s of shape (..., K) where the network has weights C for them. All parameters have the
    names that they have in the model of the same family.

    Attributes
    ----------
    family : type of PiecewiseLinearModel
        The model that it is the twin of.
    n_states, n_inputs : int
        Numbers M of states and K of external inputs.
    s : Tensor, shape (K,)
        The input where none is given; not trained. Only with external inputs.
    """

    family: ClassVar[type[ModelWithInput]]
    A: Tensor
    C: Tensor | None
    s: Tensor | None

    def __init__(
        self,
        n_states: int,
        n_inputs: int,
        parameters: Mapping[str, ArrayLike],
        rng: np.random.Generator,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        chosen = torch.float64 if dtype is None else dtype
        if not (isinstance(chosen, torch.dtype) and chosen.is_floating_point):
            raise TypeError(f"dtype must be a floating point type of torch, got {dtype!r}")
        n_inputs = check_integer("n_inputs", n_inputs, 0, _LARGEST_SIZE)
        values = dict(parameters)
        if n_inputs:
            values["C"] = glorot_uniform((n_states, n_inputs), rng)
            self.register_buffer("s", torch.zeros(n_inputs, dtype=chosen))
        else:
            self.register_parameter("C", None)
            self.register_buffer("s", None)
        for name, value in values.items():
            tensor = torch.tensor(np.asarray(value), dtype=chosen)
            self.register_parameter(name, torch.nn.Parameter(tensor))

    @abstractmethod
    def _without_input(self, z: Tensor) -> Tensor:
        """Apply the map without C s."""

    @abstractmethod
    def jacobian(self, z: Tensor) -> Tensor:
        """Return the Jacobians, shape (..., M, M), at states of shape (..., M).

        On a border a unit counts as inactive, as in the models.
        """

    @property
    @abstractmethod
    def state_weights(self) -> Tensor:
        """The weights into the states: W, or W1 of the shallow networks."""

    @property
    @abstractmethod
    def state_bias(self) -> Tensor:
        """The bias of the states: h, or h1 of the shallow networks."""

    @classmethod
    @abstractmethod
    def _of_size(cls, model: Any, **options: Any) -> Self:
        """Make a network of the size of the model, with any weights."""

    @property
    def options(self) -> dict[str, Any]:
        """The settings of the family that are not trained, such as ``n_relu``, by name."""
        return {}

    @property
    def n_states(self) -> int:
        """Number M of states."""
        return int(self.A.shape[0])

    @property
    def n_inputs(self) -> int:
        """Number K of external inputs; 0 where the network has no weights C for any."""
        return 0 if self.C is None else int(self.C.shape[1])

    def forward(self, z: Tensor, s: Tensor | None = None) -> Tensor:
        """Return the next states.

        Parameters
        ----------
        z : Tensor, shape (..., M)
            States.
        s : Tensor, shape (..., K), optional
            External inputs of this step. Default: the buffer ``s``, which is 0 at first.

        Returns
        -------
        Tensor, shape (..., M)

        Raises
        ------
        ValueError
            If inputs are given to a network without weights for them.
        """
        following = self._without_input(z)
        drive = self.s if s is None else s
        if self.C is None:
            if drive is not None:
                raise ValueError("s is given, but this network has no inputs: use n_inputs=...")
            return following
        assert drive is not None
        return following + torch.nn.functional.linear(drive, self.C)

    def _linear(self, z: Tensor, rest: Tensor) -> Tensor:
        """Return A z + rest."""
        if self.A.ndim == 1:
            return torch.addcmul(rest, z, self.A)
        return rest + torch.nn.functional.linear(z, self.A)

    def _linear_matrix(self) -> Tensor:
        return torch.diag(self.A) if self.A.ndim == 1 else self.A

    def to_model(self, constant_input: ArrayLike | None = None) -> Any:
        """Return the network as a model for analysis.

        Parameters
        ----------
        constant_input : array_like, shape (K,), optional
            The constant external input s of the model. Default: the buffer ``s``. Only for networks
            with inputs.

        Returns
        -------
        PLRNN, ALRNN, DendriticPLRNN, ShallowPLRNN or ClippedShallowPLRNN
            With the same parameters, converted to float64, which changes no value.

        Raises
        ------
        ValueError
            If a parameter is not finite, or an input is given to a network without inputs.
        """
        values: dict[str, Any] = {
            name: _to_numpy(parameter) for name, parameter in self.named_parameters(recurse=False)
        }
        if self.s is not None:
            values["s"] = _to_numpy(self.s) if constant_input is None else constant_input
        elif constant_input is not None:
            raise ValueError("constant_input is given, but this network has no inputs")
        return self.family.from_parameters({**values, **self.options})

    @classmethod
    def from_model(cls, model: Any, *, dtype: torch.dtype | None = None) -> Self:
        """Make a trainable network of a model.

        Parameters
        ----------
        model : PiecewiseLinearModel
            A model of the family of this class.
        dtype : torch.dtype, optional
            Type of the parameters. Default: float64, which keeps every bit: then
            ``from_model(model).to_model() == model``.

        Returns
        -------
        TrainableModel

        Raises
        ------
        TypeError
            If the model is of another family.
        """
        if not isinstance(model, cls.family):
            raise TypeError(
                f"model must be a {cls.family.__name__}, got {type(model).__name__}; "
                "to_trainable(model) chooses the class"
            )
        module = cls._of_size(
            model,
            n_inputs=model.n_inputs,
            diagonal=model.parameters["A"].ndim == 1,
            dtype=dtype,
        )
        with torch.no_grad():
            for name, value in model.parameters.items():
                getattr(module, name).copy_(torch.tensor(value))
        return module

    def extra_repr(self) -> str:
        """Describe the sizes, for ``repr``."""
        return f"n_states={self.n_states}, n_inputs={self.n_inputs}"


def _to_numpy(tensor: Tensor) -> Any:
    return tensor.detach().cpu().double().numpy().copy()


def check_size(name: str, value: Any) -> int:
    """Return a number of states or units."""
    return check_integer(name, check_count(name, value), 1, _LARGEST_SIZE)


def generator(seed: Any) -> np.random.Generator:
    """Return the generator of a seed."""
    return np.random.default_rng(check_integer("seed", seed, 0, 2**64 - 1))
