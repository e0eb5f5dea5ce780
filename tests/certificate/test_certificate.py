"""Certificates as values: what they say, equality, copies and files."""

import dataclasses
import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest

import rnndyn as rd
from records import line_record, tent_cycles
from rnndyn.certificate.parts import ListedCycles, ProofPart
from rnndyn.certificate.result import Certificate
from rnndyn.certificate.undecided import UndecidedItinerary
from rnndyn.cycles.continuum import continuum_from_record
from rnndyn.verify import Verdict, verify


def part(**changes):
    values = {
        "method": "dictionary",
        "orders": [2],
        "unbounded": True,
        "at_infinity": False,
        "radius": 1000.0,
        "pivot": 0,
        "by_faces": False,
        "by_units": False,
        "outer": 0.0,
        "reason": "branch and bound over 2 bits",
        "complete": True,
        "rigorous": True,
        "n_nodes": 3,
        "n_pruned": 1,
        "n_uncertified": 0,
        "n_leaves": 1,
        "share": 1.0,
        "seconds": 0.5,
        "open": [],
        "nodes": np.array([0, -1, -2], dtype=np.int32),
        "first": np.array([0, 2], dtype=np.int64),
        "row": np.array([0, 3], dtype=np.int32),
        "value": np.array([0.1, -1e-300]),
        "data": None,
    }
    return {**values, **changes}


def record(**changes):
    values = {
        "status": "partial",
        "box": None,
        "orders": [1, 2, 3],
        "proved_orders": [1, 2],
        "parts": [
            part(),
            part(
                orders=[3],
                complete=False,
                share=0.125,
                reason="too many nodes",
                open=[
                    (np.array([0, 4], dtype=np.int32), np.array([True, False])),
                    (np.zeros(0, dtype=np.int32), np.zeros(0, dtype=bool)),
                ],
            ),
            part(
                method="contraction",
                orders=[1],
                nodes=None,
                data={"kind": "weighted_infinity", "weights": np.array([2.0])},
            ),
        ],
        "undecided": [
            {"order": 1, "itinerary": [[[True]]], "reason": [0]},
            {"order": 2, "itinerary": [[[False], [True]], [[True], [True]]], "reason": [1, 0]},
        ],
    }
    return {**values, **changes}


@pytest.fixture
def certificate(tent):
    cycles = tent_cycles(tent)
    continua = [dataclasses.replace(_line(), itinerary=[[True]])]
    return Certificate.from_record(record(), tent, cycles.blocks, continua, {3: 0.9})


def _line():
    model, values = line_record()
    return continuum_from_record(values, model.canonical)


# What it says ------------------------------------------------------------------------------------


def test_it_holds_what_the_record_holds(certificate, tent):
    assert certificate.status == "partial"
    assert certificate.orders == (1, 2, 3)
    assert certificate.proved_orders == (1, 2)
    assert [p.method for p in certificate.parts] == ["dictionary", "dictionary", "contraction"]
    assert certificate.parts[1].open[0][0].tolist() == [0, 4]
    assert certificate.parts[2].data["weights"].tolist() == [2.0]
    assert [entry.reason for entry in certificate.undecided] == ["border", "singular", "border"]
    assert [cycles.order for cycles in certificate.cycles] == [1, 2, 3]
    assert certificate.n_cycles == len(tent_cycles(tent))
    assert certificate.continua[0].tolist() == [[True]]
    assert (certificate.n_states, certificate.n_units) == (1, 1)
    assert certificate.version == rd.__version__
    assert len(certificate.fingerprint) == 64
    assert certificate.has_trees


def test_the_summary_says_what_is_proved_undecided_and_open(certificate):
    assert certificate.summary() == [
        "Proved: orders 1 and 2 have no other cycles anywhere in R^1, except possibly on the "
        "undecided itineraries.",
        "Undecided: 2 itineraries of orders 1 and 2 on a region border, or not to be told from it.",
        "Undecided: 1 itinerary of order 2 with an equation that is singular, or not to be told "
        "from a singular one.",
        "Not proved: order 3: 12.5 % of the tree is done. Too many nodes. It was searched, with an "
        "estimated coverage of 90 %.",
    ]
    assert repr(certificate).splitlines() == [
        "Certificate: partial",
        *(f"  {line}" for line in certificate.summary()),
        "  dictionary, order 2, up to size 1000 (3 nodes): branch and bound over 2 bits",
        "  contraction, order 1, up to size 1000 (3 nodes): branch and bound over 2 bits",
    ]
    assert repr(certificate.parts[1]) == (
        "ProofPart(dictionary, order 3, up to size 1000 (3 nodes, 12.5 % done): too many nodes)"
    )
    assert repr(certificate.undecided[1]) == "UndecidedItinerary('0 1', 'singular')"
    assert repr(certificate.cycles[0]) == "ListedCycles(order=1, n_cycles=2)"


def test_html_escapes_and_shows_the_same_sentences(tent):
    wrong = record(parts=[part(reason="a < b & c")], undecided=[])
    html = Certificate.from_record(wrong, tent)._repr_html_()
    assert "a &lt; b &amp; c" in html
    assert "Proved: orders 1 and 2 have no cycles anywhere in R^1." in html


@pytest.mark.parametrize(
    ("orders", "lower", "upper", "text"),
    [
        ([1], [-3.0, -3.0], [3.0, 3.0], "order 1 has no cycles in the box |z_i| <= 3."),
        ([1, 3], [-2, -2], [3, 3], "orders 1 and 3 have no cycles in the box -2 <= z_i <= 3."),
        ([1, 2, 3, 5], [-2, 0], [3, 1], "orders 1 to 3 and 5 have no cycles in the box [-2, 3] x "),
    ],
)
def test_boxes_and_orders_in_words(lozi, orders, lower, upper, text):
    values = record(
        status="proved",
        box=(lower, upper),
        orders=orders,
        proved_orders=orders,
        undecided=[],
        parts=[],
    )
    certificate = Certificate.from_record(values, lozi)
    assert certificate.summary()[0].startswith("Proved: " + text)
    assert len(certificate.summary()) == 1


def test_a_box_of_many_states_is_not_written_out():
    model = rd.PLRNN(A=np.full(4, 0.5), W=np.zeros((4, 4)), h=np.zeros(4))
    values = record(box=(-np.arange(1.0, 5.0), np.ones(4)), undecided=[])
    assert "in the given box of R^4" in Certificate.from_record(values, model).summary()[0]


def test_orders_without_any_part_are_not_proved(tent):
    values = record(parts=[], undecided=[], proved_orders=[])
    certificate = Certificate.from_record(values, tent)
    assert certificate.summary() == ["Not proved: orders 1 to 3."]


def test_to_dict_is_json(certificate):
    short = json.loads(json.dumps(certificate.to_dict(), allow_nan=False))
    assert "nodes" not in short["parts"][0]
    assert short["summary"] == certificate.summary()
    assert short["undecided"][1] == {"order": 2, "itinerary": "0 1", "reason": "singular"}
    assert short["cycles"][2]["points"] == [[-0.2], [0.6]]
    full = json.loads(json.dumps(certificate.to_dict(trees=True), allow_nan=False))
    assert full["parts"][0]["nodes"] == [0, -1, -2]
    assert full["parts"][1]["open"] == [[[0, 4], [True, False]], [[], []]]
    assert full["parts"][2]["data"] == {"weights": [2.0]}
    assert full["parts"][2]["nodes"] is None


def test_the_record_for_going_on_is_the_one_it_came_from(certificate, tent):
    again = certificate.to_record()
    assert again["orders"] == [1, 2, 3]
    assert ProofPart.from_record(again["parts"][1]) == certificate.parts[1]
    assert set(part()) == set(again["parts"][0])


# Values ------------------------------------------------------------------------------------------


def test_pickles_and_copies_are_equal(certificate):
    copy = pickle.loads(pickle.dumps(certificate))
    assert copy == certificate
    assert copy.parts[0].nodes.flags.writeable is False
    assert dataclasses.replace(certificate) == certificate


def test_equality_sees_every_field_but_the_time(certificate, tent):
    for changes in (
        {"status": "searched"},
        {"box": (np.array([-1.0]), np.array([1.0]))},
        {"orders": (1, 2, 3, 4)},
        {"proved_orders": (1,)},
        {"undecided": ()},
        {"cycles": ()},
        {"continua": ()},
        {"fingerprint": "0"},
        {"coverage": {}},
        {"version": "0"},
        {"parts": certificate.parts[:2]},
    ):
        assert dataclasses.replace(certificate, **changes) != certificate
    first = certificate.parts[0]
    for changes in (
        {"nodes": None},
        {"value": [0.1, 0.0]},
        {"radius": 1.0},
        {"data": {"P": [1.0]}},
    ):
        assert dataclasses.replace(first, **changes) != first
    assert dataclasses.replace(first, seconds=9.0) == first
    assert certificate != "certificate"
    assert first != 1
    assert certificate.undecided[0] != 1
    assert certificate.cycles[0] != 1


def test_it_cannot_be_changed(certificate):
    with pytest.raises(dataclasses.FrozenInstanceError):
        certificate.status = "proved"
    with pytest.raises(ValueError, match="read-only"):
        certificate.parts[0].nodes[0] = 1
    with pytest.raises(TypeError):
        certificate.coverage[3] = 1.0
    with pytest.raises(TypeError):
        certificate.parts[2].data["weights"] = 1.0


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"status": "certain"}, "status must be one of proved"),
        ({"orders": [0]}, "numbers from 1 to"),
        ({"orders": [10**9]}, "numbers from 1 to"),
        ({"box": ([0.0, 0.0], [1.0, 1.0])}, "box must have shape"),
        ({"parts": [part(method="magic")]}, "method must be one of"),
        ({"parts": [part(nodes=np.zeros((2, 2)))]}, "nodes must be a list"),
        ({"parts": [part(open=[([1], [])])]}, "as many values as bits"),
        ({"undecided": [{"order": 1, "itinerary": [[[True]]], "reason": [3]}]}, "reason must be"),
        ({"undecided": [{"order": 2, "itinerary": [[[True]]], "reason": [0]}]}, "order 2"),
        ({"undecided": [{"order": 1, "itinerary": [[[True] * 2]], "reason": [0]}]}, "shape"),
    ],
)
def test_records_that_make_no_sense_are_refused(tent, changes, match):
    with pytest.raises(ValueError, match=match):
        Certificate.from_record(record(**changes), tent)


def test_flags_must_be_flags(tent):
    with pytest.raises(TypeError, match="complete must be True or False"):
        Certificate.from_record(record(parts=[part(complete=1)]), tent)


def test_columns_of_cycles_must_fit_together():
    with pytest.raises(ValueError, match="do not fit together"):
        ListedCycles(1, [[[True]]], [[[0.0]]], [0.0, 0.0], [True], [False])


def test_a_verdict_is_true_where_it_is_confirmed(certificate, tent):
    assert Verdict(True)
    assert not Verdict(False, ("because",))
    assert not certificate.verify(tent)
    with pytest.raises(TypeError, match="model must be a network"):
        verify(certificate, "network")


# Files -------------------------------------------------------------------------------------------

SUFFIXES = [".npz", ".json"]


def save(certificate, folder, suffix):
    path = folder / f"certificate{suffix}"
    certificate.save(path)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_certificate_survives_saving(certificate, tmp_path, suffix):
    path = save(certificate, tmp_path, suffix)
    loaded = Certificate.load(str(path))
    assert loaded == certificate
    assert [p.seconds for p in loaded.parts] == [p.seconds for p in certificate.parts]
    assert loaded.summary() == certificate.summary()
    assert loaded.parts[0].nodes.dtype == np.int32
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_boxes_infinities_and_large_trees_survive_saving(certificate, tmp_path, suffix):
    rng = np.random.default_rng(0)
    big = part(
        nodes=rng.integers(-5, 100, 50_000),
        first=np.arange(20_001),
        row=np.arange(20_000),
        value=rng.normal(size=20_000) * 10.0 ** rng.integers(-300, 300, 20_000),
    )
    cycles = dataclasses.replace(certificate.cycles[0], error_bound=[np.inf, 0.0])
    changed = dataclasses.replace(
        certificate,
        box=(np.array([-0.1]), np.array([1e300])),
        parts=(ProofPart.from_record(big),),
        cycles=(cycles,),
    )
    path = save(changed, tmp_path, suffix)
    assert Certificate.load(path) == changed
    if suffix == ".npz":
        assert path.stat().st_size < 700_000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_certificate_makes_the_same_file(certificate, tmp_path, suffix):
    first = save(certificate, tmp_path, suffix).read_bytes()
    assert save(certificate, tmp_path, suffix).read_bytes() == first


@pytest.mark.parametrize("name", ["certificate", "certificate.pickle", "certificate.txt"])
def test_other_suffixes_are_refused(certificate, tmp_path, name):
    with pytest.raises(ValueError, match=r"cannot write .*use .json or .npz"):
        certificate.save(tmp_path / name)
    with pytest.raises(ValueError, match=r"cannot read .*use .json or .npz"):
        Certificate.load(tmp_path / name)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        Certificate.load(tmp_path / "nothing.npz")


def refused(path, match="cannot be read as a certificate"):
    with pytest.raises(ValueError, match=match) as caught:
        Certificate.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"no file of ours", b"PK\x03\x04", b"[]", b"\xff\xfe{}"])
def test_other_files_are_refused(tmp_path, suffix, content):
    path = tmp_path / f"other{suffix}"
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncations_are_refused(certificate, tmp_path, suffix):
    path = save(certificate, tmp_path, suffix)
    data = path.read_bytes()
    for length in range(0, len(data) - 2, max(1, len(data) // 150)):
        path.write_bytes(data[:length])
        refused(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files_give_a_certificate_or_a_value_error(certificate, tmp_path, tent, suffix):
    path = save(certificate, tmp_path, suffix)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    n_refused = 0
    for position in rng.integers(len(data), size=250):
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            loaded = Certificate.load(path)
        except ValueError as error:
            assert str(error).startswith(f"{path} ")  # noqa: PT017
            n_refused += 1
        else:
            # This one is no proof anyway; nothing but a verdict may come of it.
            assert not loaded.verify(tent)
    assert n_refused > 50


def header_of(path):
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda h: h.update(format="something"), 'does not say "format"'),
        (lambda h: h.update(format_version=99), "version 99.*newer rnndyn"),
        (lambda h: h.pop("format_version"), "'format_version' is missing"),
        (lambda h: h.pop("fingerprint"), "'fingerprint' is missing"),
        (lambda h: h.update(status="certain"), "status must be one of"),
        (lambda h: h.update(orders=[1.5]), "cannot be read"),
        (lambda h: h.update(orders="many"), "cannot be read"),
        (lambda h: h.update(n_units=2), "cannot be read"),
        (lambda h: h.update(n_states=-1), "whole number"),
        (lambda h: h.update(n_continua=1e9), "whole number"),
        (lambda h: h.update(n_continua=7), "is missing"),
        (lambda h: h.update(parts=3), "cannot be read"),
        (lambda h: h["parts"][0].pop("radius"), "'radius' is missing"),
        (lambda h: h["parts"][0].update(has_tree=False), "does not mention"),
        (lambda h: h["parts"][0].update(complete="yes"), "True or False"),
        (lambda h: h["parts"][2].update(data=[]), "does not mention"),
        (lambda h: h.update(undecided_orders=[1]), "does not mention"),
        (lambda h: h.update(cycle_orders=[1, 2, 3, 4]), "is missing"),
        (lambda h: h["arrays"].pop("part_0/nodes"), "is missing"),
        (lambda h: h["arrays"]["part_0/nodes"].update(values=[1, 2]), "not those of"),
        (lambda h: h["arrays"]["part_0/nodes"].update(values=[1, 2, 0.5]), "numbers of type int32"),
        (lambda h: h["arrays"]["part_0/nodes"].update(values=[1, 2, 2**40]), "cannot be read"),
        (lambda h: h["arrays"]["part_0/nodes"].update(values=[1, 2, True]), "numbers of type"),
        (lambda h: h["arrays"]["part_0/value"].update(values=[0.1, "one"]), "'one' is missing"),
        (lambda h: h["arrays"]["part_0/value"].update(shape=[-2]), "impossible shape"),
        (lambda h: h["arrays"]["part_0/value"].update(shape=[2, 1]), "must be a list"),
        (lambda h: h["arrays"]["part_1/open_on"].update(values=[2, 0]), "0 and 1"),
        (lambda h: h["arrays"]["part_1/open_first"].update(values=[0, 3, 2]), "open branches"),
        (lambda h: h["arrays"]["undecided_2/reason"].update(values=[3, 0]), "from 0 to 2"),
        (lambda h: h["arrays"]["undecided_2/reason"].update(values=[-1, 0]), "from 0 to 2"),
        (lambda h: h.update(arrays=[]), "cannot be read"),
    ],
)
def test_wrong_json_is_refused(certificate, tmp_path, change, match):
    path = save(certificate, tmp_path, ".json")
    header = header_of(path)
    change(header)
    path.write_text(json.dumps(header), "utf-8")
    refused(path, match)


def test_json_without_nan(certificate, tmp_path):
    path = save(certificate, tmp_path, ".json")
    path.write_text(path.read_text("utf-8").replace("0.1,", "NaN,", 1), "utf-8")
    refused(path, "NaN is not allowed")


def as_npy(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("part_0/nodes.npy", np.zeros(3), "must hold int32"),
        ("part_0/nodes.npy", np.zeros(3, dtype=np.int64), "must hold int32"),
        ("part_0/value.npy", np.full(2, np.nan), "NaN"),
        ("part_1/open_on.npy", np.array([2, 0], dtype=np.uint8).view(bool), "True and False"),
        ("cycles_1/points.npy", np.zeros((2, 1, 2)), "1 coordinates"),
        ("cycles_1/itinerary.npy", np.zeros((2, 2, 1), dtype=bool), "do not fit together"),
        ("undecided_1/itinerary.npy", np.zeros((2, 1, 1), dtype=bool), "do not fit together"),
        ("part_0/surprise.npy", np.zeros(1), "does not mention"),
        ("header.npy", np.zeros(1), "no header"),
        ("header.npy", np.array("{"), "not valid JSON"),
        ("part_0/nodes.npy", np.array([{}], dtype=object), "real numbers or text"),
    ],
)
def test_wrong_members_are_refused(certificate, tmp_path, name, array, match):
    path = save(certificate, tmp_path, ".npz")
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    members[name] = as_npy(array)
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    refused(path, match)


def test_too_large_files_are_refused(certificate, tmp_path):
    for suffix in SUFFIXES:
        path = save(certificate, tmp_path, suffix)
        with pytest.raises(ValueError, match="max_bytes = 100"):
            Certificate.load(path, max_bytes=100)


def test_undecided_itineraries_are_values():
    entry = UndecidedItinerary(1, [[True, False]], "unproved")
    assert pickle.loads(pickle.dumps(entry)) == entry


@pytest.mark.parametrize(
    "model",
    [
        rd.PLRNN([0.5], [[-1.0]], [0.0]),
        rd.PLRNN([1.0, 0.5], [[0.0, 1.0], [-1.0, 0.5]], [0.0, 0.0]),
        rd.ReLURNN([[0.0, 1.0], [1.0, 0.0]], [0.0, 0.0]),
    ],
)
def test_an_undecided_itinerary_is_listed_once(model):
    certificate = rd.find_cycles(model, 3, method="complete", progress=False).certificate
    entries = [(e.order, e.itinerary.tobytes()) for e in certificate.undecided]
    assert len(set(entries)) == len(entries)


def test_what_is_given_twice_is_held_once():
    entries = [
        UndecidedItinerary(2, [[True], [False]], "border"),
        UndecidedItinerary(1, [[True]], "singular"),
        UndecidedItinerary(2, [[True], [False]], "singular"),
    ]
    tent = rd.PLRNN([[2.0]], [[-4.0]], [1.0])
    certificate = rd.find_cycles(tent, 2, method="complete", progress=False).certificate
    again = dataclasses.replace(certificate, undecided=tuple(entries))
    assert [(e.order, e.reason) for e in again.undecided] == [(1, "singular"), (2, "border")]
