"""Certificates that were changed are refused, and no damage does anything else than that."""

import dataclasses
from functools import cache

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.certificate.parts import ListedCycles
from rnndyn.certificate.result import Certificate
from rnndyn.certificate.undecided import UndecidedItinerary
from verify.proof_trees import DECIDED, INFEASIBLE, ROTATION, make_certificate
from verify.truth import false_cycles, missing, truths_of

OPEN, UNPROVED = -4, -5
ORDERS = [1, 2, 3]


@cache
def case(name):
    """A network, and the certificate of all its cycles."""
    tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    lozi = rd.PLRNN(A=[[1.7, 1.0], [0.5, 0.0]], W=[[-3.4, 0.0], [0.0, 0.0]], h=[1.0, 0.0])
    # Two units decide, one has no effect.
    spatial = rd.PLRNN(
        A=[0.5, -0.25, 0.75],
        W=[[0.0, -1.5, 0.0], [2.0, 0.0, 0.0], [0.5, -0.5, 0.0]],
        h=[0.5, -0.25, 0.125],
    )
    # The origin lies on both borders.
    border = rd.PLRNN(A=[[0.5, 0], [0, 0.25]], W=[[0.25, -1], [0.5, 0.125]], h=[0, 0])
    # And with an offset, without which what lies beyond one radius decides on everything.
    corner = rd.PLRNN(
        A=[[0.5, 0, 0], [0, 0.25, 0], [0, 0, 0.5]],
        W=[[0.25, -1, 0], [0.5, 0.125, 0], [0, 0, 0]],
        h=[0, 0, 1],
    )
    flip = rd.PLRNN(A=[[-1.0]], W=[[-1.0]], h=[-1.0])
    line = rd.PLRNN(A=[[0.5, 0.0], [0.0, 0.5]], W=[[0.5, 0.0], [0.0, 0.0]], h=[0.0, 1.0])
    model, method, box, pivot = {
        "tent": (tent, "dictionary", None, 0),
        "tent in a box": (tent, "dictionary", 3.0, 0),
        "tent, words": (tent, "polygons", None, 0),
        "lozi": (lozi, "dictionary", None, 0),
        "lozi, faces": (lozi, "faces", None, 0),
        "tent, faces": (tent, "faces", 3.0, 0),
        "lozi, words": (lozi, "polygons", None, 1),
        "lozi, words in a box": (lozi, "polygons", 1.75, 0),
        "three states": (spatial, "dictionary", None, 0),
        "three states in a box": (spatial, "dictionary", 4.0, 0),
        "border": (border, "dictionary", None, 0),
        "border, words": (border, "polygons", None, 2),
        "border with an offset": (corner, "dictionary", None, 0),
        "continuum of 2-cycles": (flip, "polygons", None, 0),
        "line": (line, "dictionary", 9.0, 0),
    }[name]
    m = model.n_states
    region = None if box is None else (np.full(m, -box), np.full(m, box))
    return model, make_certificate(model, ORDERS, method, region, pivot=pivot, max_nodes=2000)


CASES = [
    "tent",
    "tent in a box",
    "tent, words",
    "lozi",
    "lozi, faces",
    "tent, faces",
    "lozi, words",
    "lozi, words in a box",
    "three states",
    "three states in a box",
    "border",
    "border, words",
    "border with an offset",
    "continuum of 2-cycles",
    "line",
]


def may_be_a_proof(kind, model, certificate, wrong):
    """Whether nothing is changed of what decides where all multiples of cycles are cycles.

    That is the half of a proof beyond a radius, whatever this is, as long as it is one.
    """
    if kind not in OF_NO_USE_WITHOUT_OFFSETS:
        return False
    if np.any(model.canonical.h1) or np.any(model.canonical.h2):
        return False
    if not all(0.0 < part.radius < np.inf for part in wrong.parts):
        return False
    far = [part for part in certificate.parts if part.at_infinity]
    kept = [(part.orders, id(part.nodes)) for part in wrong.parts if is_far(part)]
    return all((part.orders, id(part.nodes)) in kept for part in far)


def is_far(part):
    return part.at_infinity and part.complete and not part.by_faces


def with_part(certificate, number, **changes):
    parts = list(certificate.parts)
    parts[number] = dataclasses.replace(parts[number], **changes)
    return dataclasses.replace(certificate, parts=tuple(parts))


def changed(array, index, value):
    copy = array.copy()
    copy[index] = value
    return copy


def without_leaf(part, number, entry):
    """The tree with another entry for an infeasible node, whose multipliers go."""
    n = int((part.nodes[:number] == INFEASIBLE).sum())
    begin, end = part.first[n : n + 2]
    first = np.concatenate([part.first[: n + 1], part.first[n + 2 :] - (end - begin)])
    cut = [np.concatenate([array[:begin], array[end:]]) for array in (part.row, part.value)]
    nodes = changed(part.nodes, number, entry)
    return {"nodes": nodes, "first": first, "row": cut[0], "value": cut[1]}


def every_part(certificate):
    return [(n, part) for n, part in enumerate(certificate.parts) if len(part.nodes) > 1]


# Every kind of change yields certificates, all of which must be refused. -------------------------


def dropped_node(certificate):
    for number, part in every_part(certificate):
        for node in {0, len(part.nodes) // 2, len(part.nodes) - 1}:
            if part.nodes[node] != INFEASIBLE:
                yield with_part(certificate, number, nodes=np.delete(part.nodes, node))
            else:
                changes = without_leaf(part, node, DECIDED)
                changes["nodes"] = np.delete(changes["nodes"], node)
                yield with_part(certificate, number, **changes)


def surplus_node(certificate):
    for number, part in every_part(certificate):
        yield with_part(certificate, number, nodes=np.append(part.nodes, DECIDED))
        yield with_part(certificate, number, nodes=np.append(DECIDED, part.nodes))


def leaf_of_another_kind(certificate):
    for number, part in every_part(certificate):
        for node, entry in enumerate(part.nodes):
            if entry == INFEASIBLE:
                for kind in (OPEN, UNPROVED, -6, -(2**31)):
                    yield with_part(certificate, number, **without_leaf(part, node, kind))
            elif entry < 0:
                for kind in (INFEASIBLE, OPEN, UNPROVED):
                    yield with_part(certificate, number, nodes=changed(part.nodes, node, kind))


def early_leaf(certificate):
    """A branch cut off near the root, without any reason."""
    for number, part in every_part(certificate):
        for kind in (DECIDED, ROTATION):
            if part.nodes[0] >= 0:
                yield with_part(
                    certificate,
                    number,
                    nodes=np.array([part.nodes[0], kind, kind], dtype=np.int32),
                    first=np.zeros(1, dtype=np.int64),
                    row=part.row[:0],
                    value=part.value[:0],
                )


def empty_multipliers(certificate):
    for number, part in every_part(certificate):
        n = len(part.first) - 1
        if n:
            nothing = {"first": np.zeros(n + 1, dtype=np.int64), "row": [], "value": []}
            yield with_part(certificate, number, **nothing)


def changed_multiplier(certificate):
    for number, part in every_part(certificate):
        for begin, end in zip(part.first[:-1], part.first[1:], strict=True):
            if begin == end:
                continue
            largest = begin + int(np.argmax(np.abs(part.value[begin:end])))
            scaled = part.value.copy()
            scaled[begin:end] = 0.0
            yield with_part(certificate, number, value=scaled)
            for other in (np.inf, -np.inf, np.nan):
                yield with_part(certificate, number, value=changed(part.value, largest, other))
            for row in (-1, 10**6, 2**31 - 1):
                yield with_part(certificate, number, row=changed(part.row, largest, row))


def multiplier_of_another_sign(certificate):
    """Without a box, signs of multipliers of equations may be corrected by the checker."""
    for number, part in every_part(certificate):
        for begin, end in zip(part.first[:-1], part.first[1:], strict=True):
            for entry in {begin, (begin + end) // 2, max(begin, end - 1)}:
                if entry == end:
                    continue
                value = changed(part.value, entry, -part.value[entry])
                yield with_part(certificate, number, value=value)


def lists_that_do_not_fit(certificate):
    for number, part in every_part(certificate):
        if len(part.first) > 2:
            yield with_part(certificate, number, first=part.first[:-1])
            yield with_part(certificate, number, first=changed(part.first, 1, part.first[-1] + 1))
            yield with_part(certificate, number, first=changed(part.first, 0, 1))
            yield with_part(certificate, number, first=changed(part.first, 1, -1))
            yield with_part(certificate, number, value=part.value[:-1])
            yield with_part(certificate, number, row=part.row[1:])


def another_branching(certificate):
    for number, part in every_part(certificate):
        for node in np.flatnonzero(part.nodes >= 0)[:5]:
            for bit in (10**6, 2**31 - 1):
                yield with_part(certificate, number, nodes=changed(part.nodes, node, bit))
        inner = np.flatnonzero(part.nodes >= 0)
        if inner.size > 1:
            again = changed(part.nodes, inner[1], part.nodes[inner[0]])
            if inner[1] == inner[0] + 1:
                yield with_part(certificate, number, nodes=again)


def no_tree(certificate):
    for number, _ in every_part(certificate):
        yield with_part(certificate, number, nodes=None)


def missing_part(certificate):
    for number in range(len(certificate.parts)):
        parts = certificate.parts[:number] + certificate.parts[number + 1 :]
        yield dataclasses.replace(certificate, parts=parts)
        yield with_part(certificate, number, complete=False)


def another_radius(certificate):
    for number, part in enumerate(certificate.parts):
        if part.unbounded or part.by_faces:
            for radius in (2.0 * part.radius, 0.0, -1.0, np.inf, np.nan):
                yield with_part(certificate, number, radius=radius)
        if part.by_faces and part.at_infinity:
            for outer in (0.5, -1.0, np.inf, np.nan):
                yield with_part(certificate, number, outer=outer)


def swapped_halves(certificate):
    for number, part in enumerate(certificate.parts):
        if part.unbounded or part.by_faces:
            yield with_part(certificate, number, at_infinity=not part.at_infinity)
            yield with_part(certificate, number, by_faces=not part.by_faces)
        else:
            yield with_part(certificate, number, at_infinity=True)


def another_method(certificate):
    for number, part in every_part(certificate):
        for method in {"dictionary", "polygons", "cells", "contraction"} - {part.method}:
            yield with_part(certificate, number, method=method)


def added_order(certificate):
    orders = (*certificate.orders, 4)
    yield dataclasses.replace(certificate, orders=orders)
    yield dataclasses.replace(certificate, orders=orders, proved_orders=orders)
    yield dataclasses.replace(certificate, proved_orders=orders)
    every = dataclasses.replace(certificate, orders=orders, proved_orders=orders)
    for number, part in enumerate(certificate.parts):
        every = with_part(every, number, orders=(*part.orders, 4))
    yield every


def no_claim(certificate):
    yield dataclasses.replace(certificate, proved_orders=(), status="searched")
    yield dataclasses.replace(certificate, proved_orders=(1,), status="proved")


def removed_cycle(certificate):
    for n, cycles in enumerate(certificate.cycles):
        for index in range(len(cycles)):
            if not cycles.certified[index]:
                continue
            yield with_cycles(certificate, n, lambda a, index=index: np.delete(a, index, axis=0))


def with_cycles(certificate, n, change):
    cycles = certificate.cycles[n]
    columns = {
        field.name: change(getattr(cycles, field.name))
        for field in dataclasses.fields(cycles)
        if field.name != "order"
    }
    blocks = list(certificate.cycles)
    blocks[n] = ListedCycles(cycles.order, **columns)
    return dataclasses.replace(certificate, cycles=tuple(blocks))


def duplicated_cycle(certificate):
    for n in range(len(certificate.cycles)):
        yield with_cycles(certificate, n, lambda a: np.concatenate([a, a[:1]]))
        yield with_cycles(
            certificate,
            n,
            lambda a: np.concatenate([a, np.roll(a[:1], 1, axis=1) if a.ndim > 1 else a[:1]]),
        )


def moved_cycle(certificate):
    for n, cycles in enumerate(certificate.cycles):
        for index in np.flatnonzero(cycles.certified):
            point = cycles.points[index, 0, 0]
            for value in (point + 1e-9, point - 1e-9, np.inf, np.nan):
                yield replaced_column(certificate, n, "points", (index, 0, 0), value)
            for bound in (0.0 if (point * 1024) % 1 else -1.0, np.inf, np.nan):
                if bound == 0.0 and cycles.error_bound[index] == 0.0:
                    continue
                yield replaced_column(certificate, n, "error_bound", index, bound)


def replaced_column(certificate, n, name, index, value):
    cycles = certificate.cycles[n]
    column = changed(getattr(cycles, name), index, value)
    blocks = list(certificate.cycles)
    blocks[n] = dataclasses.replace(cycles, **{name: column})
    return dataclasses.replace(certificate, cycles=tuple(blocks))


def another_itinerary(certificate):
    for n, cycles in enumerate(certificate.cycles):
        for index in np.flatnonzero(cycles.certified):
            bit = cycles.itinerary[index, 0, 0]
            yield replaced_column(certificate, n, "itinerary", (index, 0, 0), not bit)


def relevant_words(certificate, entries):
    """Their bits of unit 0: in all cases where that matters, all other bits are equal or idle."""
    return {entry.itinerary[:, :1].tobytes() for entry in entries}


def fake_cycle(certificate):
    """One that is virtual, is at another place, or repeats a shorter one."""
    undecided = relevant_words(certificate, certificate.undecided)
    m, h = certificate.n_states, certificate.n_units
    for certified in (True, False):
        for order in ORDERS:
            for bits in (False, True):
                fake = ListedCycles(
                    order,
                    np.full((1, order, h), bits),
                    np.full((1, order, m), 0.123),
                    np.full(1, 1e-12),
                    np.full(1, certified),
                    np.full(1, not certified),
                )
                if not certified and fake.itinerary[0, :, :1].tobytes() in undecided:
                    continue  # Nothing is claimed about it.
                yield dataclasses.replace(certificate, cycles=(*certificate.cycles, fake))


def border_called_certain(certificate):
    for n, cycles in enumerate(certificate.cycles):
        for index in np.flatnonzero(~cycles.certified):
            yield replaced_column(certificate, n, "certified", index, True)


def nothing_undecided(certificate):
    words = {entry.itinerary.tobytes() for entry in certificate.undecided}
    if words:
        kept = tuple(cycles for cycles in certificate.cycles if cycles.certified.all())
        yield dataclasses.replace(certificate, undecided=(), cycles=kept, continua=())


def fake_continuum(certificate):
    h = certificate.n_units
    listed = {word[:, :1].tobytes() for word in certificate.continua}
    listed |= relevant_words(certificate, certificate.undecided)
    for order in ORDERS:
        for bits in (False, True):
            word = np.full((order, h), bits)
            if word[:, :1].tobytes() not in listed:
                yield dataclasses.replace(certificate, continua=(*certificate.continua, word))


def another_region(certificate):
    if certificate.box is None:
        return
    lower, upper = certificate.box
    yield dataclasses.replace(certificate, box=None)
    yield dataclasses.replace(certificate, box=(upper, lower))
    for wrong in (np.inf, np.nan):
        yield dataclasses.replace(certificate, box=(lower, np.full_like(upper, wrong)))


def larger_or_smaller_region(certificate):
    if certificate.box is not None:
        lower, upper = certificate.box
        for factor in (1e-3, 0.5, 0.75, 1.5, 10.0, 1e3, 1e6):
            yield dataclasses.replace(certificate, box=(factor * lower, factor * upper))


KINDS = [
    dropped_node,
    surplus_node,
    leaf_of_another_kind,
    empty_multipliers,
    changed_multiplier,
    lists_that_do_not_fit,
    another_branching,
    no_tree,
    missing_part,
    another_radius,
    swapped_halves,
    added_order,
    no_claim,
    removed_cycle,
    duplicated_cycle,
    moved_cycle,
    another_itinerary,
    fake_cycle,
    border_called_certain,
    nothing_undecided,
    fake_continuum,
    another_region,
]


#: Where every multiple of a cycle is a cycle, as without offsets, one half of a proof decides on
#: the other, at every radius.
OF_NO_USE_WITHOUT_OFFSETS = [missing_part, another_radius, swapped_halves]

#: After these the claim may still be true, and its proof may still be one.
LOOSE_KINDS = [
    early_leaf,
    another_method,
    multiplier_of_another_sign,
    larger_or_smaller_region,
]


@pytest.mark.parametrize("name", CASES)
def test_the_certificates_are_confirmed_before_anything_is_changed(name):
    model, certificate = case(name)
    verdict = certificate.verify(model)
    assert verdict.confirmed, verdict.reasons
    assert missing(certificate, model, truths_of(model, ORDERS)) == []


#: How many changed certificates of a kind there are at least, over all cases.
_AT_LEAST = 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_was_changed_is_refused(kind):
    n_refused = 0
    for name in CASES:
        model, certificate = case(name)
        truths = truths_of(model, ORDERS)
        for number, wrong in enumerate(kind(certificate)):
            verdict = wrong.verify(model)
            if verdict.confirmed and may_be_a_proof(kind, model, certificate, wrong):
                assert missing(wrong, model, truths) == [], (name, number)
                assert false_cycles(wrong, truths) == [], (name, number)
                continue
            assert not verdict.confirmed, (name, number)
            assert verdict.orders == ()
            assert len(verdict.reasons) == 1
            assert len(verdict.reasons[0]) > 10
            n_refused += 1
    assert n_refused >= _AT_LEAST


@pytest.mark.parametrize("kind", LOOSE_KINDS, ids=lambda kind: kind.__name__)
def test_what_was_changed_is_refused_or_true(kind):
    n_refused = 0
    for name in CASES:
        model, certificate = case(name)
        truths = truths_of(model, ORDERS)
        for number, wrong in enumerate(kind(certificate)):
            if wrong.verify(model):
                assert missing(wrong, model, truths) == [], (name, number)
                assert false_cycles(wrong, truths) == [], (name, number)
            else:
                n_refused += 1
    assert n_refused >= 5


def test_another_network_is_refused():
    for name in CASES:
        model, certificate = case(name)
        h = model.parameters["h"]
        other = model.with_parameters(h=np.nextafter(h, np.inf))
        verdict = certificate.verify(other)
        assert not verdict
        assert "another network" in verdict.reasons[0]


def test_minus_zero_is_zero():
    model, certificate = case("border")
    assert certificate.verify(model.with_parameters(h=[-0.0, 0.0]))


def test_a_smaller_box_without_its_cycles_is_a_true_claim():
    model, certificate = case("tent in a box")
    box = (np.array([-0.5]), np.array([0.5]))
    inside = dataclasses.replace(with_cycles(certificate, 0, lambda a: a[1:]), box=box)
    inside = dataclasses.replace(inside, cycles=inside.cycles[:1])
    assert inside.verify(model), inside.verify(model)
    assert missing(inside, model, truths_of(model, ORDERS)) == []


def test_a_cycle_may_be_undecided_but_not_left_out():
    model, certificate = case("tent")
    cycles = certificate.cycles[1]
    entry = UndecidedItinerary(2, cycles.itinerary[0], "unproved")
    fewer = dataclasses.replace(
        certificate, cycles=(certificate.cycles[0], certificate.cycles[2]), undecided=(entry,)
    )
    assert fewer.verify(model)
    assert not dataclasses.replace(fewer, undecided=()).verify(model)


def test_reasons_name_the_part_and_the_node():
    model, certificate = case("tent")
    part = certificate.parts[2]
    wrong = with_part(certificate, 2, value=np.zeros_like(part.value))
    node = int(np.flatnonzero(part.nodes == INFEASIBLE)[0])
    assert wrong.verify(model).reasons == (
        "part 2 (dictionary, order 2, up to size 1000): "
        f"node {node}: its multipliers give no contradiction",
    )


# Any damage --------------------------------------------------------------------------------------

TREE_ARRAYS = ("nodes", "first", "row", "value")
CYCLE_ARRAYS = ("itinerary", "points", "error_bound", "certified")


def flipped(array, rng):
    data = bytearray(array.tobytes())
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return np.frombuffer(bytes(data), dtype=array.dtype).reshape(array.shape)


@pytest.mark.parametrize("name", CASES)
def test_flipped_bits_are_refused_or_leave_the_claim_true(name):
    model, certificate = case(name)
    truths = truths_of(model, ORDERS)
    rng = np.random.default_rng(len(name))
    n_refused = 0
    for _ in range(150):
        wrong: Certificate = certificate
        for _ in range(int(rng.integers(1, 3))):
            number = int(rng.integers(len(wrong.parts)))
            column = str(rng.choice([*TREE_ARRAYS, *CYCLE_ARRAYS]))
            if column in TREE_ARRAYS:
                array = getattr(wrong.parts[number], column)
                if array.size:
                    wrong = with_part(wrong, number, **{column: flipped(array, rng)})
            elif wrong.cycles:
                n = int(rng.integers(len(wrong.cycles)))
                array = flipped(getattr(wrong.cycles[n], column), rng)
                if array.dtype == np.bool_:
                    array = array.view(np.uint8) == 1
                blocks = list(wrong.cycles)
                blocks[n] = dataclasses.replace(blocks[n], **{column: array})
                wrong = dataclasses.replace(wrong, cycles=tuple(blocks))
        with np.errstate(invalid="ignore"):
            verdict = wrong.verify(model)
        if verdict:
            # The last bits of a multiplier or of a point mean nothing.
            assert missing(wrong, model, truths) == []
            assert false_cycles(wrong, truths) == []
        n_refused += not verdict
    assert n_refused > 20


@pytest.mark.parametrize("name", CASES)
def test_shuffled_trees_are_refused_or_leave_the_claim_true(name):
    model, certificate = case(name)
    truths = truths_of(model, ORDERS)
    rng = np.random.default_rng(len(name))
    for _ in range(60):
        number = int(rng.integers(len(certificate.parts)))
        part = certificate.parts[number]
        nodes = part.nodes.copy()
        first, second = rng.integers(len(nodes), size=2)
        nodes[[first, second]] = nodes[[second, first]]
        wrong = with_part(certificate, number, nodes=nodes)
        kept = rng.random(len(wrong.cycles)) < 0.7
        cycles = tuple(block for block, keep in zip(wrong.cycles, kept, strict=True) if keep)
        wrong = dataclasses.replace(wrong, cycles=cycles)
        if wrong.verify(model):
            assert missing(wrong, model, truths) == []
