"""What the checker reads of a certificate; it knows neither its class nor what made it.

`rnndyn.Certificate` and `rnndyn.certificate.ProofPart` say what each attribute is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol


class Part(Protocol):
    """One part of a proof."""

    @property
    def method(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def orders(self) -> Sequence[int]: ...

    @property
    def unbounded(self) -> bool: ...

    @property
    def at_infinity(self) -> bool: ...

    @property
    def radius(self) -> float: ...

    @property
    def complete(self) -> bool: ...

    @property
    def pivot(self) -> int: ...

    @property
    def by_faces(self) -> bool: ...

    @property
    def by_units(self) -> bool: ...

    @property
    def outer(self) -> float: ...

    @property
    def nodes(self) -> Any: ...

    @property
    def first(self) -> Any: ...

    @property
    def row(self) -> Any: ...

    @property
    def value(self) -> Any: ...

    @property
    def data(self) -> Mapping[str, Any]: ...


class Claims(Protocol):
    """A whole certificate."""

    @property
    def status(self) -> str: ...

    @property
    def box(self) -> Any: ...

    @property
    def orders(self) -> Sequence[int]: ...

    @property
    def proved_orders(self) -> Sequence[int]: ...

    @property
    def parts(self) -> Sequence[Part]: ...

    @property
    def undecided(self) -> Iterable[Any]: ...

    @property
    def cycles(self) -> Iterable[Any]: ...

    @property
    def continua(self) -> Sequence[Any]: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def n_states(self) -> int: ...

    @property
    def n_units(self) -> int: ...
