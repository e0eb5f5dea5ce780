"""The behaviour that all model families share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._arrays import FloatArray
from rnndyn._core import CanonicalMap
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._declarations import (
    Count,
    Flag,
    OptionalParameter,
    Parameter,
    to_real_array,
)
from rnndyn.models._dynamics import MapOfStates
from rnndyn.models._scalar_names import locate_scalar, scalar_names


class PiecewiseLinearModel(MapOfStates):
    """Base class of the models that are one piecewise-linear map.

    A model is an immutable value: parameters of its own family, and the canonical map

        F(z) = A z + W1 relu(W2 z + h2) + h1

    that they amount to, with M states and H hidden units. To add a family, write a subclass that

    1. lists its parameters as class attributes (`Parameter`, `OptionalParameter`, `Count`, `Flag`),
       the one that fixes M first;
    2. has an ``__init__`` with these names that passes them all to ``super().__init__``;
    3. builds its canonical form in ``_canonical_form``;

    and enter it in ``rnndyn.models.FAMILIES`` so that files of the family can be read.
    """

    family: ClassVar[str]
    """Name of the family, as in files."""

    _arrays: ClassVar[dict[str, Parameter | OptionalParameter]]
    _choices: ClassVar[dict[str, Count | Flag]]

    _parameters: dict[str, FloatArray]
    _options: dict[str, int | bool]
    _canonical: CanonicalMap

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.family = cls.__name__
        cls._arrays = {}
        cls._choices = {}
        for owner in cls.__mro__:
            for name, declared in vars(owner).items():
                if isinstance(declared, (Parameter, OptionalParameter)):
                    cls._arrays.setdefault(name, declared)
                elif isinstance(declared, (Count, Flag)):
                    cls._choices.setdefault(name, declared)

    def __init__(self, **values: object) -> None:
        sizes: dict[str, int] = {}
        set_by: dict[str, str] = {}
        parameters = {
            name: declared.validate(values[name], sizes, set_by)
            for name, declared in self._arrays.items()
            if not (isinstance(declared, OptionalParameter) and values.get(name) is None)
        }
        options = {
            name: declared.validate(values[name], sizes) for name, declared in self._choices.items()
        }
        # The only writes to the three attributes: __setattr__ refuses everything else.
        object.__setattr__(self, "_parameters", parameters)
        object.__setattr__(self, "_options", options)
        with np.errstate(over="ignore", invalid="ignore"):
            form = self._canonical_form()
        if not all(np.isfinite(array).all() for array in form):
            raise ValueError(
                f"the parameters of this {self.family} are so large that its canonical form "
                f"overflows float64; the largest entry is "
                f"{max(np.abs(a).max(initial=0.0) for a in parameters.values()):.3g}"
            )
        object.__setattr__(self, "_canonical", CanonicalMap(*form))

    @abstractmethod
    def _canonical_form(self) -> CanonicalForm:
        """Build the canonical form from the validated parameters."""

    @property
    def canonical(self) -> CanonicalMap:
        """The canonical map of the compiled core."""
        return self._canonical

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> Self:
        """Build a model from parameters and options by name.

        Parameters
        ----------
        values : mapping of str to array_like, int, bool or None
            What the constructor takes, by name. This is what file readers and converters call.

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
        >>> rd.PLRNN.from_parameters({"A": [0.5], "W": [[-1.0]], "h": [1.0]})
        PLRNN(n_states=1, n_units=1)
        """
        for name in values:
            cls._require_known(name)
        missing = [
            name
            for name, declared in cls._arrays.items()
            if isinstance(declared, Parameter) and name not in values
        ]
        missing += [
            name
            for name, declared in cls._choices.items()
            if isinstance(declared, Count) and name not in values
        ]
        if missing:
            raise ValueError(f"{cls.family} needs {', '.join(missing)}, got {', '.join(values)}")
        return cls(**values)

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """The parameter arrays of the family by name, read-only, as they were given."""
        return dict(self._parameters)

    @property
    def options(self) -> dict[str, int | bool]:
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
            whole = name in self._arrays or name in self._choices
            (values if whole else scalars)[name] = value
        changed = type(self).from_parameters(values)
        return changed._with_scalars(scalars) if scalars else changed

    def _with_scalars(self, scalars: Mapping[str, Any]) -> Self:
        arrays: dict[str, FloatArray] = {}
        taken: dict[tuple[str, tuple[int, ...]], str] = {}
        for name, value in scalars.items():
            parameter, index = locate_scalar(name, self._parameters, self._arrays, self.family)
            if (parameter, index) in taken:
                raise ValueError(f"{taken[parameter, index]} and {name} are the same number")
            taken[parameter, index] = name
            number = to_real_array(name, value)
            if number.ndim != 0:
                raise ValueError(f"{name} must be one number, got shape {number.shape}")
            arrays.setdefault(parameter, self._parameters[parameter].copy())[index] = number
        return type(self).from_parameters({**self._parameters, **self._options, **arrays})

    def get_parameter(self, name: str) -> float:
        """Return one number of the parameters by its name.

        Parameters
        ----------
        name : str
            Such as ``"A[0,0]"``, ``"W1[2,5]"`` or ``"h2[3]"``, counting from 0. Where A was given
            as a vector, ``"A[0]"`` and ``"A[0,0]"`` both name its first entry.

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
        parameter, index = locate_scalar(name, self._parameters, self._arrays, self.family)
        return float(self._parameters[parameter][index])

    def scalar_names(self) -> tuple[str, ...]:
        """Return the names of all single numbers, for `get_parameter` and `with_parameters`.

        Examples
        --------
        >>> import rnndyn as rd
        >>> rd.PLRNN([0.5], [[-1.0]], [1.0]).scalar_names()
        ('A[0]', 'W[0,0]', 'h[0]')
        """
        return scalar_names(self._parameters)

    @classmethod
    def _require_known(cls, name: str) -> None:
        if name not in cls._arrays and name not in cls._choices:
            raise ValueError(
                f"{cls.family} has no parameter {name!r:.60}; "
                f"its parameters are {', '.join([*cls._arrays, *cls._choices])}"
            )

    def __repr__(self) -> str:
        flags = [f", {name}=True" for name, value in self._options.items() if value is True]
        return f"{self.family}(n_states={self.n_states}, n_units={self.n_units}{''.join(flags)})"

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


class ModelWithInput(PiecewiseLinearModel):
    """Base class of the families with an optional constant external input C s.

    The input acts like a bias, so it costs nothing at run time; it stays a parameter of its own,
    so that ``"s[0]"`` can be swept like any other number.
    """

    C = OptionalParameter(("M", "K"))
    s = OptionalParameter(("K",))

    def __init__(self, *, C: object, s: object, **values: object) -> None:
        if (C is None) != (s is None):
            given, missing = ("s", "C") if C is None else ("C", "s")
            raise ValueError(
                f"{missing} must be given together with {given}: the external input is C s"
            )
        super().__init__(C=C, s=s, **values)

    def _with_input(self, bias: FloatArray) -> FloatArray:
        """Return `bias` + C s."""
        C, s = self.C, self.s
        return bias if C is None or s is None else bias + C @ s
