"""The check of a certificate of a composition: of the fixed points of one chain for each order."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any, Protocol

from rnndyn.models import Model, PiecewiseLinearMap
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._composition import Composition, cyclic_chain
from rnndyn.verify._check import exact_map_of, verify
from rnndyn.verify._claims import Claims
from rnndyn.verify._composition_lists import Layout, check_lists
from rnndyn.verify._verdict import Counts, RefusedError, Verdict


class ClaimsOfChains(Claims, Protocol):
    """A certificate of a composition."""

    @property
    def chains(self) -> Mapping[int, Claims]: ...


def verify_orders(certificate: ClaimsOfChains, model: Model) -> Verdict:
    """Check a certificate of a composition in exact arithmetic.

    Parameters
    ----------
    certificate : CompositionCertificate
        What to check; it must hold its trees (``keep_tree=True``).
    model : PeriodicallyDriven or DeepPLRNN
        The network that it is about.

    Returns
    -------
    Verdict
        Confirmed, or refused with the first check that failed.

    Raises
    ------
    TypeError
        If the model is one map.
    """
    if not isinstance(model, Composition):
        raise TypeError(
            "model must be the network that the certificate is about, a PeriodicallyDriven network "
            f"or a DeepPLRNN, such as cycles.model, got {model!r:.80}"
        )
    counts = Counts()
    try:
        _check(certificate, model, counts)
    except RefusedError as refusal:
        return Verdict(False, (str(refusal),), (), **dataclasses.asdict(counts))
    return Verdict(True, (), tuple(certificate.proved_orders), **dataclasses.asdict(counts))


def _check(certificate: ClaimsOfChains, network: Composition, counts: Counts) -> None:
    proved = set(certificate.proved_orders)
    if not proved:
        raise RefusedError(
            "it claims no proof: there is no order of which it says that it is proved"
        )
    if not proved <= set(certificate.orders):
        raise RefusedError("its proved orders are not among the orders that were asked for")
    if certificate.status == "proved" and proved != set(certificate.orders):
        missing = sorted(set(certificate.orders) - proved)
        raise RefusedError(f"it says that all is proved, but order {missing[0]} is not")
    if (certificate.n_states, certificate.n_units) != (network.n_states, network.n_units):
        raise RefusedError("it says another number of states or units than the network has")
    if (
        certificate.fingerprint
        != exact_map_of(PiecewiseLinearMap(*cyclic_chain(network.forms))).fingerprint
    ):
        raise RefusedError(
            "it belongs to another network: its fingerprint is that of no round of the given one"
        )
    for order in sorted(proved):
        chain = certificate.chains.get(order)
        try:
            if chain is None or not list(chain.proved_orders) == [1]:
                raise RefusedError("it is said to be proved, but its chain is not")
            _check_order(certificate, chain, order, network, counts)
        except RefusedError as refusal:
            raise RefusedError(f"order {order}: {refusal}") from None


def _check_order(
    certificate: ClaimsOfChains, chain: Claims, order: int, network: Composition, counts: Counts
) -> None:
    n_rounds, rest = divmod(order, network.steps_per_round)
    if rest:
        raise RefusedError(f"it is no multiple of the {network.steps_per_round} steps of a round")
    forms = network.forms * n_rounds
    model = PiecewiseLinearMap(*cyclic_chain(forms))
    verdict = verify(chain, model)
    for name, value in dataclasses.asdict(counts).items():
        setattr(counts, name, value + getattr(verdict, name))
    if not verdict:
        raise RefusedError(verdict.reasons[0])
    per_step = len(forms) // order
    _check_box(certificate.box, chain.box, forms, per_step)
    starts = list(accumulate((form.A.shape[1] for form in forms), initial=0))
    places = [range(start, start + network.n_states) for start in starts[:-1:per_step]]
    layout = Layout(n_rounds, starts[-1] // n_rounds, len(model.canonical.h2) // n_rounds, places)
    check_lists(certificate, chain, order, exact_map_of(model), layout)


def _check_box(box: Any, own: Any, forms: Sequence[CanonicalForm], per_step: int) -> None:
    """Refuse a box of a chain that does not hold all orbits whose states are in a box."""
    if own is None:
        return
    if box is None:
        raise RefusedError("its chain was searched in a box, but the certificate has none")
    chain = [_fractions(bound) for bound in own]
    ends = [_fractions(bound) for bound in box]
    start = 0
    for number, form in enumerate(forms):
        stop = start + form.A.shape[1]
        below, above = chain[0][start:stop], chain[1][start:stop]
        if number % per_step == 0:
            low, high = ends
        if any(a > b for a, b in zip(below, low, strict=True)) or any(
            a < b for a, b in zip(above, high, strict=True)
        ):
            raise RefusedError("the box of its chain does not hold all orbits in the box")
        start = stop
        low, high = _bounds_after(form, low, high)


def _fractions(values: Any) -> list[Fraction]:
    numbers = values.tolist()
    if not all(map(math.isfinite, numbers)):
        raise RefusedError("a bound of its box is no finite number")
    return [Fraction(value) for value in numbers]


def _bounds_after(
    form: CanonicalForm, low: list[Fraction], high: list[Fraction]
) -> tuple[list[Fraction], list[Fraction]]:
    """Return exact bounds of what a map makes of a box."""

    def through(
        weights: Any, offsets: Any, below: list[Fraction], above: list[Fraction]
    ) -> tuple[list[Fraction], list[Fraction]]:
        lows, highs = [], []
        for row, offset in zip(weights.tolist(), offsets.tolist(), strict=True):
            terms = [
                (Fraction(w) * a, Fraction(w) * b) if w > 0 else (Fraction(w) * b, Fraction(w) * a)
                for w, a, b in zip(row, below, above, strict=True)
            ]
            lows.append(Fraction(offset) + sum((a for a, _ in terms), Fraction(0)))
            highs.append(Fraction(offset) + sum((b for _, b in terms), Fraction(0)))
        return lows, highs

    zero = Fraction(0)
    units = through(form.W2, form.h2, low, high)
    active = [[max(value, zero) for value in side] for side in units]
    linear = through(form.A, form.h1, low, high)
    bent = through(form.W1, 0.0 * form.h1, active[0], active[1])
    return (
        [a + b for a, b in zip(linear[0], bent[0], strict=True)],
        [a + b for a, b in zip(linear[1], bent[1], strict=True)],
    )
