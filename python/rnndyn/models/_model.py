"""What every model is: an immutable value made of named arrays and settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn._common.table import Table, html_text
from rnndyn.models._scalar_names import locate_scalar, scalar_names


class Model(ABC):
    """Base class of all models: parameter arrays by name, settings, and the map they stand for.

    A model never changes: `with_parameters` makes changed copies. Two models are equal if they are
    of the same family and have the same parameters and settings bit for bit.
    """

    family: ClassVar[str]
    """Name of the family, as in files."""

    _parameters: dict[str, FloatArray]
    _options: dict[str, int | bool | str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.family = cls.__name__

    @classmethod
    @abstractmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> Self:
        """Build a model from parameters and options by name."""

    @property
    @abstractmethod
    def n_states(self) -> int:
        """Number of states."""

    @property
    @abstractmethod
    def n_inputs(self) -> int:
        """Number of external inputs that may change from step to step."""

    @property
    @abstractmethod
    def _default_input(self) -> FloatArray:
        """The input (n_inputs,) of every step where the caller gives none."""

    @abstractmethod
    def _system(self) -> _core.System:
        """Return the map with its inputs and tangent map, as the compiled core knows it."""

    @classmethod
    @abstractmethod
    def _is_name(cls, name: str) -> bool:
        """Tell whether the family has a whole parameter or an option of that name."""

    def _may_be_a_matrix(self, name: str) -> bool:
        """Tell whether a parameter that was given as a vector stands for a diagonal matrix."""
        return False

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """The parameter arrays of the family by name, read-only, as they were given."""
        return dict(self._parameters)

    @property
    def options(self) -> dict[str, int | bool | str]:
        """The settings of the family that are not arrays, such as ``n_relu``, by name."""
        return dict(self._options)

    def with_parameters(
        self, changes: Mapping[str, Any] | None = None, /, **new: ArrayLike | None
    ) -> Self:
        """Return a copy with some parameters changed.

        Parameters
        ----------
        changes : mapping of str to float or array_like, optional
            New values by name. A name is a whole parameter (``"W"``), an option, or one number of
            a parameter (``"A[0,0]"``, ``"h2[3]"``, ``"slope"``); see `scalar_names`. Whole
            parameters are set first, then single numbers.
        **new : array_like
            The same, for names that Python accepts as keywords.

        Returns
        -------
        model
            Of the same family; this model stays as it is.

        Raises
        ------
        ValueError
            If a name is unknown or given twice, or a value has the wrong shape or is not finite.

        Examples
        --------
        >>> import rnndyn as rd
        >>> model = rd.PLRNN([0.5, 0.9], [[0.0, -0.6], [0.5, 0.0]], [0.4, -1.0])
        >>> model.with_parameters({"A[0]": 0.8, "W[0,1]": -0.7}, h=[0.0, 0.0]).A
        array([0.8, 0.9])
        """
        both = set(changes or {}) & set(new)
        if both:
            raise ValueError(f"{sorted(both)[0]} is given twice")
        requested: dict[str, Any] = {**(changes or {}), **new}
        values: dict[str, Any] = {**self._parameters, **self._options}
        scalars: dict[str, Any] = {}
        for name, value in requested.items():
            # A bare name is the whole parameter, also where that is one number: it may become more.
            (values if self._is_name(name) else scalars)[name] = value
        changed = type(self).from_parameters(values)
        return changed._with_scalars(scalars) if scalars else changed

    def _with_scalars(self, scalars: Mapping[str, Any]) -> Self:
        arrays: dict[str, FloatArray] = {}
        taken: dict[tuple[str, tuple[int, ...]], str] = {}
        for name, value in scalars.items():
            parameter, index = self._locate(name)
            if (parameter, index) in taken:
                raise ValueError(f"{taken[parameter, index]} and {name} are the same number")
            taken[parameter, index] = name
            number = finite_numbers(name, value)
            if number.ndim != 0:
                raise ValueError(f"{name} must be one number, got shape {number.shape}")
            arrays.setdefault(parameter, self._parameters[parameter].copy())[index] = number
        return type(self).from_parameters({**self._parameters, **self._options, **arrays})

    def get_parameter(self, name: str) -> float:
        """Return one number of the parameters by its name.

        Parameters
        ----------
        name : str
            Such as ``"A[0,0]"``, ``"W1[2,5]"`` or ``"weight_hh_l0[1,2]"``, counting from 0. Where A
            was given as a vector, ``"A[0]"`` and ``"A[0,0]"`` both name its first entry.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If there is no such number; the message lists the names there are.

        Examples
        --------
        >>> import rnndyn as rd
        >>> model = rd.PLRNN([0.5, 0.9], [[0.0, -0.6], [0.5, 0.0]], [0.4, -1.0])
        >>> model.get_parameter("W[0,1]"), model.get_parameter("A[1,1]")
        (-0.6, 0.9)
        """
        parameter, index = self._locate(name)
        return float(self._parameters[parameter][index])

    def _locate(self, name: str) -> tuple[str, tuple[int, ...]]:
        return locate_scalar(name, self._parameters, self._may_be_a_matrix, self.family)

    def scalar_names(self) -> tuple[str, ...]:
        """Return the names of all single numbers, for `get_parameter` and `with_parameters`.

        Examples
        --------
        >>> import rnndyn as rd
        >>> rd.PLRNN([0.5], [[-1.0]], [1.0]).scalar_names()
        ('A[0]', 'W[0,0]', 'h[0]')
        """
        return scalar_names(self._parameters)

    def _repr_html_(self) -> str:
        rows = [
            (name, " x ".join(map(str, array.shape)) or "1", *_extent(array))
            for name, array in self._parameters.items()
        ]
        return html_text(
            Table(repr(self), ("parameter", "shape", "smallest", "largest"), rows, {"parameter"})
        )

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return (
            self._options == other._options
            and self._parameters.keys() == other._parameters.keys()
            and all(np.array_equal(a, other._parameters[k]) for k, a in self._parameters.items())
        )

    # Comparing arrays is what equality means here; a hash of them would invite slow dictionaries.
    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self).from_parameters, ({**self._parameters, **self._options},))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"{self.family} is immutable; model.with_parameters({name}=...) returns a changed copy"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self.family} is immutable: {name} cannot be deleted")


def _extent(array: FloatArray) -> tuple[str, str]:
    if not array.size:
        return "", ""
    return f"{array.min():.4g}", f"{array.max():.4g}"
