"""How a certificate looks in a terminal and in a notebook."""

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from rnndyn._undecided import UndecidedReason

if TYPE_CHECKING:
    from rnndyn.certificate import Certificate, ProofPart

#: Boxes with different bounds for each of up to this many states are written out.
_MAX_BOUNDS = 3

_REASONS: dict[UndecidedReason, str] = {
    "border": "on a region border, or not to be told from it",
    "singular": "with an equation that is singular, or not to be told from a singular one",
    "unproved": "with error bounds that could not be verified",
}


def orders_text(orders: Iterable[int]) -> str:
    """Return ``order 2`` or ``orders 1 to 3 and 5``."""
    runs: list[list[int]] = []
    for order in sorted(orders):
        if runs and order == runs[-1][-1] + 1:
            runs[-1].append(order)
        else:
            runs.append([order])
    parts: list[str] = []
    for run in runs:
        parts.extend([f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(k) for k in run])
    single = len(parts) == 1 and len(runs[0]) == 1
    joined = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
    return f"{'order' if single else 'orders'} {joined}"


def region_text(certificate: "Certificate") -> str:
    """Return the region that a certificate is about."""
    if certificate.box is None:
        return f"anywhere in R^{certificate.n_states}"
    lower, upper = certificate.box
    if np.all(lower == lower[0]) and np.all(upper == upper[0]):
        if lower[0] == -upper[0]:
            return f"in the box |z_i| <= {upper[0]:g}"
        return f"in the box {lower[0]:g} <= z_i <= {upper[0]:g}"
    if lower.size <= _MAX_BOUNDS:
        sides = " x ".join(f"[{a:g}, {b:g}]" for a, b in zip(lower, upper, strict=True))
        return f"in the box {sides}"
    return f"in the given box of R^{certificate.n_states}"


def part_title(part: "ProofPart") -> str:
    """Return method, orders and region of a part."""
    title = f"{part.method}, {orders_text(part.orders)}" if part.orders else part.method
    if part.unbounded and part.radius > 0.0:
        title += f", {'beyond' if part.at_infinity else 'up to'} size {part.radius:g}"
    return title


def part_line(part: "ProofPart") -> str:
    """Return one line about a part."""
    counts = []
    if part.n_nodes:
        counts.append(f"{part.n_nodes:,} node{'' if part.n_nodes == 1 else 's'}")
    if not part.complete:
        counts.append(f"{_percent(part.share)} done")
    line = part_title(part) + (f" ({', '.join(counts)})" if counts else "")
    return f"{line}: {part.reason}" if part.reason else line


def summary(certificate: "Certificate") -> list[str]:
    """Return what is proved, undecided and not proved, one sentence a line."""
    lines = []
    proved = set(certificate.proved_orders)
    if proved:
        found = any(cycles.order in proved for cycles in certificate.cycles)
        found = found or any(len(itinerary) in proved for itinerary in certificate.continua)
        undecided = certificate.undecided.of_orders(proved)
        verb = "has" if len(proved) == 1 else "have"
        lines.append(
            f"Proved: {orders_text(proved)} {verb} no {'other ' if found else ''}cycles "
            f"{region_text(certificate)}"
            + (", except possibly on the undecided itineraries." if undecided else ".")
        )
    for reason, text in _REASONS.items():
        if orders := certificate.undecided.orders(reason):
            n = certificate.undecided.count(reason)
            lines.append(
                f"Undecided: {n:,} {'itinerary' if n == 1 else 'itineraries'} of "
                f"{orders_text(orders)} {text}."
            )
    for missing, why in _unproved(certificate):
        lines.append(f"Not proved: {orders_text(missing)}{f': {why}' if why else '.'}")
    return lines


def _unproved(certificate: "Certificate") -> list[tuple[list[int], str]]:
    """Group the orders that are not proved by what there is to say about them."""
    groups: dict[str, list[int]] = {}
    for order in certificate.orders:
        if order in certificate.proved_orders:
            continue
        parts = [p for p in certificate.parts if order in p.orders and not p.complete]
        words = [f"{_percent(part.share)} of the tree is done. {part.reason}" for part in parts]
        if (coverage := certificate.coverage.get(order)) is not None:
            words.append(f"It was searched, with an estimated coverage of {_percent(coverage)}.")
        groups.setdefault(" ".join(word.strip() for word in words), []).append(order)
    return [(orders, why) for why, orders in groups.items()]


def plain_text(certificate: "Certificate") -> str:
    """Return what ``print`` shows."""
    return "\n  ".join([f"Certificate: {certificate.status}", *_lines(certificate)])


def html_text(certificate: "Certificate") -> str:
    """Return what a notebook shows."""
    lines = "".join(f"<div>{html.escape(line)}</div>" for line in _lines(certificate))
    return f"<div><strong>Certificate: {html.escape(certificate.status)}</strong>{lines}</div>"


def _lines(certificate: "Certificate") -> list[str]:
    return [*summary(certificate), *(part_line(p) for p in certificate.parts if p.complete)]


def _percent(share: float) -> str:
    """Format a share so that only a full one reads 100 %."""
    if share >= 1.0:
        return "100 %"
    return f"{min(100.0 * share, 99.99):.4g} %"
