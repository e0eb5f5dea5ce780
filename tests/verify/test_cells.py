"""Proofs by cells: confirmed, true, and refused where they were changed."""

import dataclasses
from collections import defaultdict
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from reference.filtering import relevant_units
from reference.networks import FAMILIES, random_network
from rnndyn.certificate.result import Certificate
from rnndyn.cycles._choice import search
from verify.truth import false_cycles, missing, truths_of

INFEASIBLE, DECIDED, ROTATION, OPEN, UNPROVED = -1, -2, -3, -4, -5
END, EMPTY, IMAGE, APART, NO_STEP, FORWARD, BACKWARD, FROM_IMAGES, FROM_PREIMAGES, LAST = range(10)
#: Numbers that follow each claim, and whether multipliers belong to it.
OPERANDS = {END: 0, EMPTY: 1, IMAGE: 2, APART: 4, NO_STEP: 3, FORWARD: 3, BACKWARD: 3,
            FROM_IMAGES: 2, FROM_PREIMAGES: 2}  # fmt: skip
WITH_MULTIPLIERS = {EMPTY, IMAGE, NO_STEP, FORWARD, BACKWARD}


def proved(model, orders, box, **options):
    chosen = {
        "seed": 0,
        "max_restarts": None,
        "max_iterations": None,
        "n_threads": 1,
        "time_limit": 20.0,
        "progress": False,
        "rigorous": True,
        "keep_tree": True,
        "resume": None,
        "proof_method": "cells",
        **options,
    }
    return search(model, None, orders, method="complete", box=box, **chosen)


def plrnn(m, seed, gain=1.5):
    rng = np.random.default_rng([seed, m])
    A = rng.uniform(-0.9, 0.9, m)
    W = gain * rng.normal(size=(m, m)) / np.sqrt(m)
    return rd.PLRNN(A, W, rng.normal(size=m))


def shallow(m, h, seed, gain=1.5):
    rng = np.random.default_rng([seed, m, h])
    A = rng.uniform(0.2, 0.9, m)
    W1 = gain * rng.normal(size=(m, h)) / np.sqrt(h)
    W2 = rng.normal(size=(h, m)) / np.sqrt(m)
    return rd.ShallowPLRNN(A, W1, W2, 0.3 * rng.normal(size=m), rng.normal(size=h))


@cache
def case(name):
    """A network, and the certificate of all its cycles."""
    lozi = rd.PLRNN(A=[[1.7, 1.0], [0.5, 0.0]], W=[[-3.4, 0.0], [0.0, 0.0]], h=[1.0, 0.0])
    model, box, orders = {
        "lozi": (lozi, 20.0, [1, 2, 7]),
        "oblique borders": (shallow(3, 4, 6), 5.0, [1, 2, 3]),
        "border": (rd.PLRNN([0.5, 0.25], [[0.25, -1], [0.5, 0.125]], [0, 0]), 3.0, [1, 2]),
        "three states": (plrnn(3, 10), 5.0, [1, 2, 3]),
    }[name]
    certificate = proved(model, orders, box).certificate
    assert certificate.status == "proved"
    assert [part.method for part in certificate.parts] == ["cells"]
    return model, certificate


CASES = ["lozi", "oblique borders", "border", "three states"]


@pytest.mark.parametrize("family", FAMILIES)
def test_cells_miss_nothing_and_are_confirmed(family):
    n_done = 0
    for seed in range(drawn(6, 60)):
        model = random_network(family, seed)
        n_relevant = len(relevant_units(model.canonical))
        if not 0 < n_relevant <= 8:
            continue
        orders = [1, 2, 3] if n_relevant <= 3 else [1, 2] if n_relevant <= 4 else [1]
        truths = truths_of(model, orders)
        for box in ((-2.0, 3.0), 40.0):
            certificate = proved(model, orders, box).certificate
            if certificate.status != "proved" or certificate.parts[0].n_nodes > 3000:
                continue
            assert missing(certificate, model, truths) == []
            assert false_cycles(certificate, truths) == []
            verdict = certificate.verify(model)
            assert verdict.confirmed, (seed, box, verdict.reasons)
            n_done += 1
    assert n_done >= 3


def test_long_orders_of_four_states_are_confirmed():
    model = plrnn(4, 0, 3.0)
    certificate = proved(model, [1, 2, 5, 6], 20.0).certificate
    assert certificate.status == "proved"
    # Steps were ruled out and bounds found in both directions.
    assert {NO_STEP, FORWARD, BACKWARD, FROM_IMAGES} <= {kind for kind, *_ in claims(certificate)}
    verdict = certificate.verify(model)
    assert verdict.confirmed, verdict.reasons
    assert verdict.orders == (1, 2, 5, 6)


def test_an_empty_cover_is_confirmed():
    # z -> z / 2 + 3 has its fixed point outside the box; and where only the cover finds that out.
    contracting = rd.PLRNN(A=np.full(3, 0.5), W=0.01 * np.eye(3), h=np.full(3, 3.0))
    rotation = 0.9 * np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    turning = rd.PLRNN(A=rotation, W=0.1 * np.eye(3), h=np.array([1.0, 1.0, 0.2]))
    for model in (contracting, turning):
        certificate = proved(model, [1, 2, 3, 4], (-0.75, 0.5)).certificate
        assert certificate.status == "proved"
        assert "cover of cells is empty" in certificate.parts[0].reason
        assert certificate.verify(model).confirmed


def test_ranges_around_zero_are_cut_down_as_the_search_did_it():
    # Ranges of pre-activations are [-40, 40], where any slope below relu is as good as another, but
    # not for the next iteration: one of them leaves nothing of the box.
    model = random_network("ALRNN", 55)
    certificate = proved(model, [1, 2], 40.0).certificate
    assert "cover of cells is empty" in certificate.parts[0].reason
    assert certificate.verify(model).confirmed
    assert not with_record(certificate, slopes=np.zeros((0, 4))).verify(model).confirmed


def test_the_record_does_not_depend_on_threads_or_interruptions():
    model = plrnn(3, 10)
    options = {"orders": [1, 2, 3, 4, 9], "box": 5.0}
    whole = proved(model, n_threads=1, **options)
    threaded = proved(model, n_threads=3, **options)
    assert threaded.certificate == whole.certificate
    pieces = proved(model, time_limit=1e-6, **options)
    # A limit that grows lets slow machines, too, come to the end of what cannot be divided.
    limit = 0.002
    while pieces.certificate.status != "proved":
        pieces = proved(model, time_limit=limit, resume=pieces, **options)
        limit *= 1.1
    assert pieces == whole
    assert pieces.certificate.verify(model).confirmed
    # A part that is finished is taken over with its record.
    again = proved(model, resume=pieces, **options)
    assert again.certificate == pieces.certificate


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_files_keep_the_record(tmp_path, suffix):
    model, certificate = case("oblique borders")
    certificate.save(tmp_path / f"proof{suffix}")
    loaded = Certificate.load(tmp_path / f"proof{suffix}")
    assert loaded == certificate
    assert loaded.parts[0].data["nodes"].dtype == np.int32
    assert loaded.verify(model).confirmed


def test_a_proof_without_a_record_is_refused():
    model, certificate = case("lozi")
    for data in ({}, {"faces": certificate.parts[0].data["faces"]}):
        verdict = with_part(certificate, data=data).verify(model)
        assert verdict.reasons[0].endswith(
            "it holds no record of its cover, so there is nothing to check; search with "
            "keep_tree=True"
        )
    certificate = proved(model, [1, 2], 20.0, keep_tree=False).certificate
    assert not certificate.has_trees
    assert not certificate.verify(model).confirmed


@pytest.mark.parametrize("name", ["nodes", "first", "row", "value"])
def test_records_that_are_no_lists_are_no_certificate(name):
    _, certificate = case("lozi")
    array = certificate.parts[0].data[name]
    for wrong in (array[None], array[:1].reshape(())):
        with pytest.raises(ValueError, match=f"{name} must be a list, got an array of shape"):
            with_record(certificate, **{name: wrong})


def test_resuming_refuses_a_record_of_another_shape():
    model, certificate = case("oblique borders")
    whole = proved(model, [1, 2, 3], 5.0)
    for wrong in (with_record(certificate, faces=np.zeros(4)),
                  with_record(certificate, slopes=np.zeros((1, 1, 4)))):  # fmt: skip
        unfinished = dataclasses.replace(wrong, status="partial", proved_orders=())
        with pytest.raises(ValueError, match="faces and slopes of a proof by cells"):
            proved(model, [1, 2, 3], 5.0, resume=dataclasses.replace(whole, certificate=unfinished))


# Changes -----------------------------------------------------------------------------------------


def with_part(certificate, **changes):
    return dataclasses.replace(
        certificate, parts=(dataclasses.replace(certificate.parts[0], **changes),)
    )


def with_record(certificate, **changes):
    return with_part(certificate, data={**certificate.parts[0].data, **changes})


def changed(array, index, value):
    copy = array.copy()
    copy[index] = value
    return copy


def regions_end(nodes):
    """Where the tree of regions ends, and how many lists of multipliers it has."""
    left, place = 1, 0
    while left:
        left += 1 if nodes[place] >= 0 else -1
        place += 1
    return place, int((nodes[:place] == INFEASIBLE).sum())


def claims(certificate):
    """(kind, place in the record, number of its list of multipliers or None)."""
    nodes = certificate.parts[0].data["nodes"]
    place, n_lists = regions_end(nodes)
    found = []
    while nodes[place] != LAST:
        kind = int(nodes[place])
        own = n_lists if kind in WITH_MULTIPLIERS else None
        n_lists += own is not None
        found.append((kind, place, own))
        place += 1 + OPERANDS[kind]
    return found


def without_list(arrays, number):
    """The lists of multipliers without one."""
    begin, end = arrays["first"][number : number + 2]
    first = arrays["first"]
    return {
        "first": np.concatenate([first[: number + 1], first[number + 2 :] - (end - begin)]),
        "row": np.delete(arrays["row"], np.s_[begin:end]),
        "value": np.delete(arrays["value"], np.s_[begin:end]),
    }


def zeroed(arrays, number):
    begin, end = arrays["first"][number : number + 2]
    return changed(arrays["value"], np.s_[begin:end], 0.0)


def changed_records(certificate):
    """Kinds of changes to the cover; every one must be refused."""
    data = certificate.parts[0].data
    nodes, first = data["nodes"], data["first"]
    last = int(np.flatnonzero(nodes == LAST)[-1]) if LAST in nodes else len(nodes)
    yield "no claims", with_record(certificate, nodes=nodes[: regions_end(nodes)[0]])
    yield "no last cells", with_record(certificate, nodes=nodes[: last + 1])
    yield "one cell less", with_record(certificate, nodes=nodes[:-1])
    yield "a cell twice", with_record(certificate, nodes=np.append(nodes, nodes[-1]))
    yield "a cell too many", with_record(certificate, nodes=np.append(nodes, 10**6))
    yield "no regions", with_record(certificate, nodes=nodes[1:])
    yield "empty", with_record(certificate, nodes=nodes[:0])
    yield "lists", with_record(certificate, first=first[:-1])
    yield "lists", with_record(certificate, first=np.append(first, first[-1]))
    yield "values", with_record(certificate, value=data["value"][:-1])
    yield "faces", with_record(certificate, faces=data["faces"][:, :-1])
    slopes = data["slopes"]
    yield "slopes", with_record(certificate, slopes=slopes[:, 1:])
    if slopes.size:
        for value in (-0.125, 1.125, np.nan, np.inf):
            yield "slopes", with_record(certificate, slopes=changed(slopes, (0, 0), value))
    if data["faces"].size:
        yield "faces", with_record(certificate, faces=changed(data["faces"], (0, 0), np.nan))
    for begin, end in pairwise(first):
        if begin == end:
            continue
        for value in (np.inf, np.nan):
            yield "no number", with_record(certificate, value=changed(data["value"], begin, value))
        for row in (-1, 10**6, 2**31 - 1):
            yield "row", with_record(certificate, row=changed(data["row"], begin, row))
    for kind, place, _ in claims(certificate):
        yield "claim", with_record(certificate, nodes=changed(nodes, place, 10))
        yield "claim", with_record(certificate, nodes=changed(nodes, place, -1))
        for operand in range(1, 1 + OPERANDS[kind]):
            for number in (-1, 10**6):
                yield (
                    "operand",
                    with_record(certificate, nodes=changed(nodes, place + operand, number)),
                )


def changed_words(certificate):
    """Kinds of changes to the tree of words; every one must be refused."""
    part = certificate.parts[0]
    nodes = part.nodes
    yield "no tree", with_part(certificate, nodes=None)
    yield "surplus", with_part(certificate, nodes=np.append(nodes, ROTATION))
    yield "dropped", with_part(certificate, nodes=nodes[:-1])
    yield "no such cell", with_part(certificate, nodes=changed(nodes, 0, 10**6))
    arrays = {"first": part.first, "row": part.row, "value": part.value}
    leaves = np.flatnonzero(nodes == INFEASIBLE)
    for number, node in enumerate(leaves):
        for entry in (OPEN, UNPROVED, -6):
            shorter = {"nodes": changed(nodes, node, entry), **without_list(arrays, number)}
            yield "leaf", with_part(certificate, **shorter)
        if part.first[number] < part.first[number + 1]:
            yield "zero", with_part(certificate, value=zeroed(arrays, number))
            row = changed(part.row, part.first[number], 2**31 - 1)
            yield "row", with_part(certificate, row=row)
    for node in np.flatnonzero(nodes == DECIDED):
        yield "not solved", with_part(certificate, nodes=changed(nodes, node, ROTATION))
    for changes in ({"unbounded": True}, {"at_infinity": True}, {"by_units": True},
                    {"by_faces": True}, {"method": "dictionary"}, {"method": "boxes"}):  # fmt: skip
        yield "flag", with_part(certificate, **changes)


@pytest.mark.parametrize("name", CASES)
def test_certificates_are_confirmed_before_and_refused_after_a_change(name):
    model, certificate = case(name)
    assert certificate.verify(model).confirmed
    by_kind = defaultdict(list)
    for kind, wrong in (*changed_records(certificate), *changed_words(certificate)):
        by_kind[kind].append(wrong)
    rng = np.random.default_rng(len(name))
    for kind, every in by_kind.items():
        for index in rng.permutation(len(every))[: drawn(6, len(every))]:
            verdict = every[index].verify(model)
            assert not verdict.confirmed, kind
            assert len(verdict.reasons) == 1
    assert len(by_kind) >= 15


def false_claims(certificate):
    """The certificate without one of its certified cycles."""
    for number, block in enumerate(certificate.cycles):
        for index in np.flatnonzero(block.certified):
            columns = {
                name: np.delete(getattr(block, name), index, axis=0)
                for name in ("itinerary", "points", "error_bound", "certified", "on_border")
            }
            blocks = list(certificate.cycles)
            blocks[number] = dataclasses.replace(block, **columns)
            yield dataclasses.replace(certificate, cycles=tuple(blocks))


def every_number(certificate):
    """Each number of the part replaced by others."""
    part = certificate.parts[0]
    for name in ("nodes", "row", "first", "value"):
        for change, array in (
            (lambda a, name=name: with_record(certificate, **{name: a}), part.data[name]),
            (lambda a, name=name: with_part(certificate, **{name: a}), getattr(part, name)),
        ):
            for index in range(len(array)):
                old = array[index]
                others = (-old, 0.5 * old, 0.0) if name == "value" else (old + 1, old - 1, 0)
                for other in others:
                    if other != old:
                        yield change(changed(array, index, other))


@pytest.mark.parametrize("name", CASES)
def test_a_false_claim_is_refused_whatever_number_is_changed(name):
    model, certificate = case(name)
    rng = np.random.default_rng(len(name))
    share = drawn(20, 3_000)
    n_wrong = n_refused = 0
    for claim in false_claims(certificate):
        assert not claim.verify(model)
        every = list(every_number(claim))
        for index in rng.permutation(len(every))[:share]:
            n_wrong += 1
            n_refused += not every[index].verify(model).confirmed
    assert n_refused == n_wrong
    if name != "border":
        assert n_wrong >= 20


@pytest.mark.parametrize("name", CASES)
def test_a_step_or_cell_is_not_given_up_without_a_reason(name):
    """Multipliers that say nothing rule nothing out."""
    model, certificate = case(name)
    data = certificate.parts[0].data
    n_changed = 0
    for kind, _, number in claims(certificate):
        if kind in (EMPTY, NO_STEP):
            wrong = with_record(certificate, value=zeroed(data, number))
            assert "do not" in wrong.verify(model).reasons[0]
            n_changed += 1
    n_regions = int((data["nodes"][: regions_end(data["nodes"])[0]] == INFEASIBLE).sum())
    for number in range(n_regions):
        wrong = with_record(certificate, value=zeroed(data, number))
        verdict = wrong.verify(model)
        # Where the bounds of a face cross, no multipliers are needed.
        if data["first"][number] < data["first"][number + 1] and not verdict.confirmed:
            assert "region" in verdict.reasons[0]
            n_changed += 1
    assert n_changed > 0 or name in ("lozi", "border")


def test_the_word_that_is_left_out_is_named():
    model, certificate = case("lozi")
    part = certificate.parts[0]
    node = int(np.flatnonzero(part.nodes == DECIDED)[0])
    wrong = with_part(certificate, nodes=np.delete(part.nodes, [node - 1, node]))
    assert "the word may close, but that is not looked at" in wrong.verify(model).reasons[0]


def test_a_larger_box_or_another_order_is_refused():
    model, certificate = case("three states")
    lower, upper = certificate.box
    truths = truths_of(model, [1, 2, 3])
    for factor in (0.5, 1.5, 40.0):
        wrong = dataclasses.replace(certificate, box=(factor * lower, factor * upper))
        if wrong.verify(model).confirmed:
            assert missing(wrong, model, truths) == []
    orders = (1, 2, 3, 4)
    wrong = with_part(certificate, orders=orders)
    assert not dataclasses.replace(wrong, orders=orders, proved_orders=orders).verify(model)


@pytest.mark.parametrize(("family", "seed"), [("ShallowPLRNN", 210), ("LeakyReLURNN", 231)])
def test_a_network_in_small_units_has_the_same_proof(family, seed):
    canonical = random_network(family, seed).canonical
    records = []
    for exponent in (0, -60, -498):
        unit = 2.0**exponent
        model = rd.PiecewiseLinearMap(
            canonical.A, canonical.W1, canonical.W2, canonical.h1 * unit, canonical.h2 * unit
        )
        certificate = proved(model, [1], unit).certificate
        verdict = certificate.verify(model)
        assert verdict.confirmed, (exponent, verdict.reasons)
        records.append(certificate.parts[0].data)
    for record in records[1:]:
        for name, array in records[0].items():
            np.testing.assert_array_equal(record[name], array)
