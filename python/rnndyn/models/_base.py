"""The behaviour that all piecewise-linear families share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import FloatArray
from rnndyn._core import CanonicalMap
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._declarations import (
    Count,
    Flag,
    OptionalParameter,
    Parameter,
)
from rnndyn.models._dynamics import MapOfStates
from rnndyn.models._model import Model


class PiecewiseLinearModel(MapOfStates, Model):
    """Base class of the models that are one piecewise-linear map.

    A model is an immutable value: parameters of its own family, and the canonical map

        F(z) = A z + W1 relu(W2 z + h2) + h1

    that they amount to, with M states and H hidden units. To add a family, write a subclass that

    1. lists its parameters as class attributes (`Parameter`, `OptionalParameter`, `Count`, `Flag`),
       the one that fixes M first;
    2. has an ``__init__`` with these names that passes them all to ``super().__init__``;
    3. builds its canonical form in ``_canonical_form``;

    and decorate it with `rnndyn.models.register_family`, so that files of the family can be read.
    """

    _arrays: ClassVar[dict[str, Parameter | OptionalParameter]]
    _choices: ClassVar[dict[str, Count | Flag]]

    _canonical: CanonicalMap

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
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
    def n_inputs(self) -> int:
        """Number of external inputs: 0 where the model has no weights for any."""
        return 0

    @property
    def _default_input(self) -> FloatArray:
        return np.zeros(0)

    def _system(self) -> _core.System:
        return _core.piecewise_linear_system(self._canonical, None, None)

    @classmethod
    def _is_name(cls, name: str) -> bool:
        return name in cls._arrays or name in cls._choices

    def _may_be_a_matrix(self, name: str) -> bool:
        return any(len(axes) == 2 for axes in self._arrays[name].shapes)

    @classmethod
    def _require_known(cls, name: str) -> None:
        if not cls._is_name(name):
            raise ValueError(
                f"{cls.family} has no parameter {name!r:.60}; "
                f"its parameters are {', '.join([*cls._arrays, *cls._choices])}"
            )

    def __repr__(self) -> str:
        flags = [f", {name}=True" for name, value in self._options.items() if value is True]
        return f"{self.family}(n_states={self.n_states}, n_units={self.n_units}{''.join(flags)})"


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

    @property
    def n_inputs(self) -> int:
        """Number K of external inputs: 0 where the model has no C."""
        return 0 if self.C is None else int(self.C.shape[1])

    @property
    def _default_input(self) -> FloatArray:
        return np.zeros(0) if self.s is None else self.s

    def _input_weights(self, C: FloatArray) -> tuple[FloatArray | None, FloatArray | None]:
        """Return what an input adds to h1 and h2 of the canonical map, as weights of the input."""
        return C, None

    def _system(self) -> _core.System:
        if self.C is None:
            return super()._system()
        # Inputs that change from step to step take the place of the constant s.
        without = self.with_parameters(s=np.zeros(self.n_inputs))
        return _core.piecewise_linear_system(without.canonical, *self._input_weights(self.C))
