"""Proofs by boxes of first states, and by dictionaries in activities: confirmed, true, and refused
where they were changed."""

import dataclasses
from functools import cache

import numpy as np
import pytest

import rnndyn as rd
from reference.filtering import relevant_units
from reference.networks import random_network
from rnndyn.cycles._choice import search
from verify.truth import false_cycles, missing, truths_of

INFEASIBLE, DECIDED, ROTATION, OPEN, UNPROVED = -1, -2, -3, -4, -5


def proved(model, orders, method, box):
    return search(
        model,
        None,
        orders,
        method="complete",
        seed=0,
        max_restarts=None,
        max_iterations=None,
        box=box,
        n_threads=1,
        time_limit=20.0,
        progress=False,
        rigorous=True,
        keep_tree=True,
        resume=None,
        proof_method=method,
    )


def shallow(m, h, seed, gain=1.0):
    rng = np.random.default_rng([seed, m, h])
    return rd.ShallowPLRNN(
        rng.uniform(0.2, 0.9, m),
        gain * rng.normal(size=(m, h)) / np.sqrt(h),
        rng.normal(size=(h, m)) / np.sqrt(m),
        0.3 * rng.normal(size=m),
        rng.normal(size=h),
    )


def alrnn(m, p, seed, gain=1.0):
    rng = np.random.default_rng([seed, m, p])
    W = gain * rng.normal(size=(m, m)) / np.sqrt(m)
    return rd.ALRNN(rng.uniform(0.2, 0.9, m), W, 0.5 * rng.normal(size=m), p)


@cache
def case(name):
    """A network, and the certificate of all its cycles."""
    model, method, box, orders = {
        "boxes": (shallow(3, 8, 1), "boxes", 5.0, [1, 2, 3]),
        "boxes, gain": (shallow(2, 6, 3, 2.0), "boxes", 4.0, [1, 2, 3]),
        "boxes, border": (rd.PLRNN([0.5, 0.25], [[0.25, -1], [0.5, 0.125]], [0, 0]), "boxes", 3.0,
                          [1, 2]),
        "units": (alrnn(8, 3, 1, 2.0), "dictionary", None, [2, 3]),
        "units of a PLRNN": (random_network("PLRNN", 4), "dictionary", None, [2]),
    }[name]  # fmt: skip
    cycles = proved(model, orders, method, box)
    assert cycles.certificate.status == "proved"
    assert all(part.method == method for part in cycles.certificate.parts)
    if name.startswith("units"):
        assert all(part.by_units for part in cycles.certificate.parts)
    return model, cycles.certificate


CASES = ["boxes", "boxes, gain", "boxes, border", "units", "units of a PLRNN"]


@pytest.mark.parametrize("family", ["PLRNN", "ShallowPLRNN", "ALRNN", "DendriticPLRNN"])
def test_boxes_miss_nothing_and_are_confirmed(family):
    n_done = 0
    for seed in range(8):
        model = random_network(family, seed)
        n_relevant = len(relevant_units(model.canonical))
        if not 0 < n_relevant <= 8 or model.n_states > 6:
            continue
        orders = [1, 2, 3] if n_relevant <= 3 else [1, 2] if n_relevant <= 4 else [1]
        certificate = proved(model, orders, "boxes", (-2.0, 3.0)).certificate
        if certificate.status != "proved":
            continue
        truths = truths_of(model, orders)
        assert missing(certificate, model, truths) == []
        assert false_cycles(certificate, truths) == []
        if sum(part.n_nodes for part in certificate.parts) <= 4000:
            verdict = certificate.verify(model)
            assert verdict.confirmed, (seed, verdict.reasons)
        n_done += 1
    assert n_done >= 3


@pytest.mark.parametrize(("m", "p"), [(3, 2), (4, 4), (6, 2), (9, 3)])
def test_dictionaries_in_activities_miss_nothing_and_are_confirmed(m, p):
    n_by_units = 0
    for seed in range(6):
        model = alrnn(m, p, seed, 1.0 + 0.4 * seed)
        orders = [1, 2, 3] if p <= 3 else [1, 2]
        certificate = proved(model, orders, "dictionary", None).certificate
        assert certificate.status == "proved"
        truths = truths_of(model, orders)
        assert missing(certificate, model, truths) == []
        assert false_cycles(certificate, truths) == []
        verdict = certificate.verify(model)
        assert verdict.confirmed, (seed, verdict.reasons)
        n_by_units += any(part.by_units for part in certificate.parts)
    assert n_by_units >= 4


def test_an_eigenvalue_that_is_a_root_of_unity_is_left_to_other_splits():
    # 1 - A^2 is singular, so the states do not follow from the activities.
    model = rd.ALRNN([-1.0, 0.5, 0.25], np.eye(3, k=1), [1.0, 0.5, 2.0], 1)
    certificate = proved(model, [2], "dictionary", None).certificate
    assert not any(part.by_units for part in certificate.parts)


def with_part(certificate, number, **changes):
    parts = list(certificate.parts)
    parts[number] = dataclasses.replace(parts[number], **changes)
    return dataclasses.replace(certificate, parts=tuple(parts))


def without_leaf(part, node, entry):
    """The tree with another entry for an infeasible node, whose multipliers go."""
    n = int((part.nodes[:node] == INFEASIBLE).sum())
    begin, end = part.first[n : n + 2]
    nodes = part.nodes.copy()
    nodes[node] = entry
    return {
        "nodes": nodes,
        "first": np.concatenate([part.first[: n + 1], part.first[n + 2 :] - (end - begin)]),
        "row": np.delete(part.row, np.s_[begin:end]),
        "value": np.delete(part.value, np.s_[begin:end]),
    }


def changed_trees(certificate):
    """Certificates of which every one must be refused."""
    for number, part in enumerate(certificate.parts):
        nodes = part.nodes
        yield "no tree", with_part(certificate, number, nodes=None)
        yield "surplus", with_part(certificate, number, nodes=np.append(nodes, DECIDED))
        if len(nodes) < 3:
            continue
        for node in (0, len(nodes) // 2):
            if nodes[node] >= 0:
                yield "dropped", with_part(certificate, number, nodes=np.delete(nodes, node))
                none = np.where(np.arange(len(nodes)) == node, 10_000, nodes)
                yield "no such bit", with_part(certificate, number, nodes=none)
        leaves = np.flatnonzero(nodes == INFEASIBLE)
        for node in leaves[:: max(1, len(leaves) // 6)]:
            for entry in (ROTATION, OPEN, UNPROVED, -6):
                yield (
                    f"leaf {entry}",
                    with_part(certificate, number, **without_leaf(part, node, entry)),
                )
        for n in range(0, len(part.first) - 1, max(1, len(leaves) // 6)):
            begin, end = part.first[n : n + 2]
            if begin == end:
                continue
            value = part.value.copy()
            value[begin:end] = 0.0
            yield "zero", with_part(certificate, number, value=value)
            yield (
                "sign",
                with_part(
                    certificate,
                    number,
                    value=np.where(np.arange(len(value)) < begin, part.value, -part.value),
                ),
            )
            value = part.value.copy()
            value[begin] = np.nan
            yield "nan", with_part(certificate, number, value=value)
            row = part.row.copy()
            row[begin] = 10**6
            yield "row", with_part(certificate, number, row=row)
        yield "root only", with_part(
            certificate, number,
            nodes=np.array([DECIDED], dtype=np.int32), first=np.zeros(1, dtype=np.int64),
            row=np.zeros(0, dtype=np.int32), value=np.zeros(0),
        )  # fmt: skip
        yield "unbounded", with_part(certificate, number, unbounded=not part.unbounded)
        yield "by faces", with_part(certificate, number, by_faces=True)
        yield "by units", with_part(certificate, number, by_units=not part.by_units)
        yield "other side", with_part(certificate, number, at_infinity=not part.at_infinity)
        other = {"boxes": "dictionary", "dictionary": "boxes"}[part.method]
        yield "other method", with_part(certificate, number, method=other)


@pytest.mark.parametrize("name", CASES)
def test_certificates_are_confirmed_before_and_refused_after_a_change(name):
    model, certificate = case(name)
    verdict = certificate.verify(model)
    assert verdict.confirmed, verdict.reasons
    kinds = set()
    for kind, changed in changed_trees(certificate):
        if kind == "root only" and name == "boxes, border":
            continue  # four itineraries only, all of which are listed
        if kind == "by units" and name.startswith("boxes"):
            continue  # says nothing of boxes
        assert not changed.verify(model).confirmed, kind
        kinds.add(kind)
    if name != "boxes, border":
        assert {"zero", "sign", "no tree"} <= kinds


@pytest.mark.parametrize("name", CASES)
def test_cycles_that_are_not_listed_are_noticed(name):
    model, certificate = case(name)
    for number, block in enumerate(certificate.cycles):
        if len(block) == 0 or block.order not in certificate.proved_orders:
            continue
        fewer = dataclasses.replace(
            block, **{n: getattr(block, n)[1:] for n in
                      ("itinerary", "points", "error_bound", "certified", "on_border")}
        )  # fmt: skip
        cycles = list(certificate.cycles)
        cycles[number] = fewer
        changed = dataclasses.replace(certificate, cycles=tuple(cycles))
        # A cycle on a border may follow another itinerary that is listed.
        if bool(block.certified[0]):
            assert not changed.verify(model).confirmed


def test_a_larger_box_is_refused():
    model, certificate = case("boxes")
    lower, upper = certificate.box
    for factor in (0.5, 1.5, 40.0):
        changed = dataclasses.replace(certificate, box=(factor * lower, factor * upper))
        verdict = changed.verify(model)
        # Another box has other halves; a proof of it would be a coincidence, but a true one.
        if verdict.confirmed:
            truths = {k: rd.find_cycles(model, orders=[k], method="complete") for k in (1, 2, 3)}
            inside = sum(
                np.abs(c.points).max() <= factor * 10.0 for t in truths.values() for c in t
            )
            assert inside == sum(len(block) for block in changed.cycles)


@pytest.mark.parametrize("name", CASES)
def test_flipped_bits_are_refused_or_leave_the_claim_true(name):
    model, certificate = case(name)
    rng = np.random.default_rng(0)
    for _ in range(25):
        number = int(rng.integers(len(certificate.parts)))
        part = certificate.parts[number]
        field = str(rng.choice(["nodes", "value", "row", "first"]))
        array = getattr(part, field).copy()
        if array.size == 0:
            continue
        raw = array.view(np.uint8).reshape(-1)
        raw[rng.integers(raw.size)] ^= 1 << int(rng.integers(8))
        try:
            changed = with_part(certificate, number, **{field: array})
        except ValueError:
            continue
        # Confirmed or not, but never anything else; the claim itself has not changed.
        changed.verify(model)


def test_the_lorenz_like_network_of_fifty_units_takes_a_moment():
    model = rd.examples.load("shallow-m3-h50")
    cycles = rd.find_cycles(
        model, orders=[1, 2, 3, 4, 5], method="complete", box=10.0, keep_tree=True, progress=False,
        time_limit=30.0,
    )  # fmt: skip
    assert cycles.certificate.status == "proved"
    assert "boxes" in {part.method for part in cycles.certificate.parts}
    assert cycles.certificate.verify(model).confirmed


def test_boxes_do_not_depend_on_threads_or_interruptions():
    model = shallow(3, 60, 0)
    options = {"orders": [2, 3, 4], "method": "complete", "box": 20.0, "keep_tree": True}
    whole = rd.find_cycles(model, n_threads=1, progress=False, **options)
    assert {part.method for part in whole.certificate.parts} == {"boxes"}
    threaded = rd.find_cycles(model, n_threads=4, progress=False, **options)
    assert threaded == whole
    assert threaded.certificate == whole.certificate
    pieces = rd.find_cycles(model, n_threads=1, progress=False, time_limit=1e-4, **options)
    for _ in range(200):
        if pieces.certificate.status == "proved":
            break
        pieces = rd.find_cycles(
            model, n_threads=1, progress=False, time_limit=0.01, resume=pieces, **options
        )
    assert pieces.certificate.status == "proved"
    assert pieces == whole
    assert pieces.certificate.verify(model).confirmed


def test_boxes_say_what_they_need():
    model = shallow(3, 6, 0)
    reason = proved(model, [1], "boxes", None).certificate.parts[0].reason
    assert "none was given" in reason
    reason = proved(alrnn(7, 2, 0), [1], "boxes", 2.0).certificate.parts[0].reason
    assert "at most six states" in reason


def test_a_point_on_many_borders_ends_without_a_proof_or_listed():
    # All twenty borders pass through the fixed point 0.
    rng = np.random.default_rng(0)
    model = rd.ShallowPLRNN(
        [0.5, 0.5], 0.1 * rng.normal(size=(2, 20)), rng.normal(size=(20, 2)), [0, 0], np.zeros(20)
    )
    cycles = proved(model, [1], "boxes", 1.0)
    certificate = cycles.certificate
    if certificate.status == "proved":
        assert certificate.verify(model).confirmed
    else:
        assert "borders of too many regions" in certificate.parts[0].reason


@pytest.mark.parametrize("name", ["boxes", "units"])
@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_saved_certificates_are_read_and_confirmed(tmp_path, name, suffix):
    model, certificate = case(name)
    certificate.save(tmp_path / f"proof.{suffix}")
    loaded = rd.Certificate.load(tmp_path / f"proof.{suffix}")
    assert loaded == certificate
    assert loaded.verify(model).confirmed
