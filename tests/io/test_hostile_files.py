"""Damaged and hostile model files: one ValueError that names the file, nothing else."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from draws import drawn
from rnndyn.io import load_metadata, load_model, save_model
from rnndyn.models import ALRNN, PLRNN, RNN

MODEL = PLRNN([0.5, 0.9], [[0.0, -0.6], [0.5, 0.0]], [0.4, -1.0])
HEADER = {"format": "rnndyn model", "format_version": 1, "family": "PLRNN"}
PARAMETERS = {"A": [0.5, 0.9], "W": [[0.0, -0.6], [0.5, 0.0]], "h": [0.4, -1.0]}


def refusal(path):
    """The message with which a file is refused."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        load_model(path)
    message = str(caught.value)
    assert message.startswith(f"{path} ")
    assert len(message) < len(str(path)) + 500
    return message.removeprefix(f"{path} ")


# JSON -----------------------------------------------------------------------------------------


def json_refusal(tmp_path, content):
    path = tmp_path / "model.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return refusal(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "cannot be read as a model: it is not valid JSON: Expecting value"),
        ('{"format": "rnndyn mo', "cannot be read as a model: it is not valid JSON"),
        (b"\xff\xfe\x00", "cannot be read as a model: it is not UTF-8 text: invalid start byte"),
        ("[" * 200_000, "cannot be read as a model: it is nested too deeply"),
        ('{"a":' * 200_000, "cannot be read as a model: it is nested too deeply"),
        ("9" * 5000, "cannot be read as a model: Exceeds the limit"),
        ("[1, 2]", "cannot be read as a model: it must hold a JSON object, not a list"),
        ("null", "cannot be read as a model: it must hold a JSON object, not a NoneType"),
        ("{}", 'cannot be read as a model: it does not say "format": "rnndyn model"'),
        ('{"A": NaN}', "cannot be read as a model: NaN is not allowed"),
        ('{"A": -Infinity}', "cannot be read as a model: -Infinity is not allowed"),
        ('{"A": 1, "A": 2}', 'cannot be read as a model: "A" is there twice'),
        (HEADER, 'cannot be read as a model: "parameters" must be an object of arrays by name'),
        (
            {**HEADER, "parameters": [1]},
            'cannot be read as a model: "parameters" must be an object',
        ),
    ],
)
def test_text_that_is_no_model(content, reason, tmp_path):
    assert json_refusal(tmp_path, content).startswith(reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "other"}, 'it does not say "format": "rnndyn model"'),
        ({"format_version": 2}, "its format is version 2, this rnndyn reads up to version 1;"),
        ({"format_version": 0}, "format_version must be a whole number from 1, got 0"),
        ({"format_version": True}, "format_version must be a whole number from 1, got True"),
        ({"format_version": "1"}, "format_version must be a whole number from 1, got '1'"),
        ({"format_version": None}, "format_version must be a whole number from 1, got None"),
        ({"family": "Transformer"}, "family must be one of ALRNN, ClippedShallowPLRNN, "),
        ({"family": ["PLRNN"]}, "family must be one of"),
        ({"family": "x" * 10_000}, "family must be one of"),
        ({"options": [1]}, '"options" must be an object, got [1]'),
        ({"metadata": "x"}, "\"metadata\" must be an object, got 'x'"),
        ({"remark": "x"}, 'unknown entry "remark"; put your own entries into "metadata"'),
    ],
)
def test_bad_headers_in_both_formats(change, reason, tmp_path):
    header = {**HEADER, **change}
    expected = f"cannot be read as a model: {reason}"
    assert json_refusal(tmp_path, {**header, "parameters": PARAMETERS}).startswith(expected)
    np.savez(tmp_path / "model.npz", header=json.dumps(header), **PARAMETERS)
    assert refusal(tmp_path / "model.npz").startswith(expected)
    with pytest.raises(ValueError, match="cannot be read as a model"):
        load_metadata(tmp_path / "model.npz")


def test_a_header_without_family(tmp_path):
    header = {"format": "rnndyn model", "format_version": 1}
    reason = json_refusal(tmp_path, {**header, "parameters": PARAMETERS})
    assert reason == 'cannot be read as a model: "family" is missing'


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"W": [[1.0, 2.0], [1.0]]}, "parameter W must be a number, a list of numbers, or a list"),
        ({"W": [[1.0, 2.0], 3.0]}, "parameter W must be a number"),
        ({"W": [[[1.0]]]}, "parameter W must be a number"),
        ({"h": [1.0, "2"]}, "parameter h must be a number"),
        ({"h": [1.0, None]}, "parameter h must be a number"),
        ({"h": [1.0, True]}, "parameter h must be a number"),
        ({"h": "0.4"}, "parameter h must be a number"),
        ({"h": [1.0, 10**400]}, "parameter h holds a number too large for float64"),
        ({"h": {"shape": [2]}}, 'parameter h: the only object allowed is {"shape": [0, n]}'),
        ({"h": {"shape": [10**12, 10**12]}}, "parameter h: the only object allowed is"),
        ({"h": {"shape": [0, 10**18]}}, "parameter h: the only object allowed is"),
        ({"h": {"shape": [0, True]}}, "parameter h: the only object allowed is"),
        ({"h": {"shape": [0, 2], "more": 1}}, "parameter h: the only object allowed is"),
        ({"x" * 10_000: "a"}, "parameter xxx"),
    ],
)
def test_entries_of_json_that_are_no_arrays(change, reason, tmp_path):
    content = {**HEADER, "parameters": {**PARAMETERS, **change}}
    assert json_refusal(tmp_path, content).startswith(f"cannot be read as a model: {reason}")


def test_numbers_beyond_float64_are_not_infinite(tmp_path):
    text = json.dumps({**HEADER, "parameters": PARAMETERS}).replace("0.4", "1e999")
    assert json_refusal(tmp_path, text) == (
        "does not hold a valid model: h must be finite, got inf at h[0] "
        "(1 of 2 entries are not finite)"
    )


@pytest.mark.parametrize(
    ("header", "parameters", "reason"),
    [
        ({}, {"h": [1.0]}, r"h must have shape (M,) with M = 2 (set by A), got (1,)"),
        ({}, {"C": [[1.0], [1.0]]}, "s must be given together with C"),
        ({}, {"Q": [1.0]}, "PLRNN has no parameter 'Q'; its parameters are A, W, h, C, s"),
        ({"options": {"n_relu": 1}}, {}, "PLRNN has no parameter 'n_relu'"),
        ({"options": {"h": 1}}, {}, "'h' is both a parameter and an option"),
        ({"family": "ShallowPLRNN"}, {}, "ShallowPLRNN has no parameter 'W'"),
        ({"family": "ALRNN"}, {}, "ALRNN needs n_relu, got A, W, h"),
        (
            {"family": "ALRNN", "options": {"n_relu": 3}},
            {},
            "n_relu must be a whole number from 0 to M = 2, got 3",
        ),
        (
            {"family": "ALRNN", "options": {"n_relu": [1]}},
            {},
            "n_relu must be a whole number from 0 to M = 2, got [1]",
        ),
    ],
)
def test_readable_files_that_hold_no_model(header, parameters, reason, tmp_path):
    header, parameters = {**HEADER, **header}, {**PARAMETERS, **parameters}
    expected = f"does not hold a valid model: {reason}"
    assert json_refusal(tmp_path, {**header, "parameters": parameters}).startswith(expected)
    np.savez(tmp_path / "model.npz", header=json.dumps(header), **parameters)
    assert refusal(tmp_path / "model.npz").startswith(expected)


@pytest.mark.parametrize(
    ("family", "options", "changes", "reason"),
    [
        ("RNN", {"nonlinearity": [1]}, {}, "nonlinearity must be 'tanh' or 'relu', got [1]"),
        ("RNN", {"nonlinearity": "sin"}, {}, "nonlinearity must be 'tanh' or 'relu', got 'sin'"),
        ("LSTM", {"nonlinearity": "tanh"}, {}, "LSTM has no parameter 'nonlinearity'"),
        ("GRU", {}, {}, "weight_hh_l0 must have shape (3 n, n) with n >= 1 units, got (1, 1)"),
        ("RNN", {}, {"weight_hh_l999999999": [[1.0]]}, "RNN needs weight_hh_l1, got weight_hh_l0"),
        ("RNN", {}, {"weight_hh_l1": [[1.0]]}, "weight_ih_l1 is missing: weight_ih is needed"),
        ("RNN", {}, {"bias_ih_l0": 1.0}, "bias_ih_l0 must have shape (n,) with n = 1"),
        ("RNN", {}, {"weight_ih_l0": [1.0]}, "weight_ih_l0 must have shape (n, K) with n = 1"),
        ("RNN", {}, {"A": [1.0]}, "RNN has no parameter 'A'; its parameters are weight_ih_l0"),
    ],
)
def test_readable_files_that_hold_no_recurrent_network(family, options, changes, reason, tmp_path):
    header = {**HEADER, "family": family, "options": options}
    parameters = {"weight_hh_l0": [[0.5]], **changes}
    expected = f"does not hold a valid model: {reason}"
    assert json_refusal(tmp_path, {**header, "parameters": parameters}).startswith(expected)
    np.savez(tmp_path / "model.npz", header=json.dumps(header), **parameters)
    assert refusal(tmp_path / "model.npz").startswith(expected)


def test_a_missing_parameter_is_named(tmp_path):
    reason = json_refusal(tmp_path, {**HEADER, "parameters": {"A": [1.0]}})
    assert reason == "does not hold a valid model: PLRNN needs W, h, got A"


# NPZ ------------------------------------------------------------------------------------------


def member(array=None, *, header=None, content=None, version=b"\x01\x00", length=None):
    """The bytes of a .npy member, with parts replaced."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray([0.4, -1.0] if array is None else array))
    data = stream.getvalue()
    end = 10 + int.from_bytes(data[8:10], "little")
    header = data[10:end] if header is None else header
    content = data[end:] if content is None else content
    length = struct.pack("<H", len(header)) if length is None else length
    return b"\x93NUMPY" + version + length + header + content


def npz_refusal(tmp_path, h, method=zipfile.ZIP_STORED, **more):
    """The message for an archive whose member h.npy consists of these bytes."""
    path = tmp_path / "model.npz"
    members = {
        "header.npy": member(json.dumps(HEADER)),
        "A.npy": member(PARAMETERS["A"]),
        "W.npy": member(PARAMETERS["W"]),
        "h.npy": h,
        **more,
    }
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return refusal(path)


def layout(descr="<f8", order="False", shape="(2,)"):
    return f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()


def test_the_archive_used_below_is_good_without_the_damage(tmp_path):
    for good in (member(), member(header=layout()), member(header=layout(order="True"))):
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            npz_refusal(tmp_path, good)
        assert load_model(tmp_path / "model.npz") == MODEL


SIXTEEN = "16 bytes follow"


@pytest.mark.parametrize(
    ("h", "reason"),
    [
        (b"", "it is not an array in the .npy format"),
        (b"\x93NUMPY", "it is not an array in the .npy format"),
        (b"hello, world", "it is not an array in the .npy format"),
        (member(version=b"\x07\x00"), "it is not an array in the .npy format of version 1, 2 or 3"),
        (member(length=b"\xff\xff"), "its header claims 65535 bytes; 4096 are plenty"),
        (
            member(version=b"\x02\x00", length=b"\xff\xff\xff\xff"),
            "its header claims 4294967295 bytes; 4096 are plenty",
        ),
        (member(length=b"\x00\x10", content=b""), "its header is damaged"),
        (member(header=b"__import__('os').system('true')"), "its header is damaged"),
        (member(header=b"{'descr': '<f8'}"), "its header is damaged"),
        (member(header=layout(shape="(2,).__class__")), "its header is damaged"),
        (member(header=layout(descr="|O8")), "it must hold real numbers or text, not |O8"),
        (member(header=layout(descr="<c8")), "it must hold real numbers or text, not <c8"),
        (member(header=layout(descr="|V8")), "it must hold real numbers or text, not |V8"),
        (member(header=layout(descr="<f16")), "it must hold real numbers or text, not <f16"),
        (member(header=layout(descr="<f999999999")), "it must hold real numbers or text"),
        (
            member(header=layout(shape="(1000000000000, 1000000)")),
            f"its header claims shape (1000000000000, 1000000) of float64, "
            f"8000000000000000000 bytes, but {SIXTEEN}",
        ),
        (
            member(header=layout(shape="(1,)")),
            f"its header claims shape (1,) of float64, 8 bytes, but {SIXTEEN}",
        ),
        (member(header=layout(shape="(-2,)")), "its header is damaged"),
        (member(header=layout(shape="(2,,)")), "its header claims the impossible shape (2,,)"),
        (member(header=layout(shape=f"({'9' * 30},)")), "its header claims the impossible shape"),
        (member(header=layout(shape=f"({'1, ' * 70})")), "its header claims the impossible shape"),
        (member(content=b"\x00" * 15), "its header claims shape (2,) of float64, 16 bytes, but 15"),
        (member() + b"\x00", "its header claims shape (2,) of float64, 16 bytes, but 17 bytes"),
    ],
)
def test_damaged_members(h, reason, tmp_path):
    expected = f"cannot be read as a model: member 'h': {reason}"
    assert npz_refusal(tmp_path, h).startswith(expected)
    assert npz_refusal(tmp_path, h, zipfile.ZIP_DEFLATED).startswith(expected)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        ([np.nan, 0.0], "h must be finite, got nan at h[0]"),
        ([[0.4, -1.0]], "h must have shape (M,) with M = 2 (set by A), got (1, 2)"),
        (np.zeros(0), "h must have shape (M,) with M = 2 (set by A), got (0,)"),
        (np.array(["a", "b"]), "h must hold real numbers, got ndarray with dtype <U1"),
    ],
)
def test_arrays_that_are_no_parameters(array, reason, tmp_path):
    refused = npz_refusal(tmp_path, member(array))
    assert refused.startswith(f"does not hold a valid model: {reason}")


def test_empty_arrays_that_claim_long_axes(tmp_path):
    h = member(header=layout(shape="(0, 100000000000000000)"), content=b"")
    assert "valid model: h must have shape" in npz_refusal(tmp_path, h)


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, header=json.dumps(HEADER), A=np.array([{"a": 1}], dtype=object))
    assert "member 'A': it must hold real numbers or text, not |O" in refusal(path)


@pytest.mark.parametrize(
    "header",
    [
        member([1.0, 2.0]),
        member(["{}", "{}"]),
        member("not json"),
        member("[" * 50_000),
        member(header=layout(descr="<U1", shape="()"), content=b"\xff\xff\xff\xff"),
        member(header=layout(descr="<U1", shape="()"), content=b"\x00\xd8\x00\x00"),
    ],
    ids=["numbers", "two texts", "no JSON", "deep", "no character", "surrogate"],
)
def test_headers_that_are_no_json_text(header, tmp_path):
    refused = npz_refusal(tmp_path, member(), **{"header.npy": header})
    assert refused.startswith("cannot be read as a model: ")


def test_an_archive_of_something_else(tmp_path):
    np.savez(tmp_path / "data.npz", x=[1.0])
    assert refusal(tmp_path / "data.npz") == (
        "does not hold a valid model: no family fits its arrays; the file holds x (1,); "
        "give the family, and by keys which array is which parameter, such as family='PLRNN' and "
        "keys={'W': 'x'}"
    )
    np.savez(tmp_path / "data.npz", header=[1.0])
    assert "its member 'header' is no text" in refusal(tmp_path / "data.npz")
    (tmp_path / "text.npz").write_text("hello")
    assert "it is not an intact .npz archive: File is not a zip" in refusal(tmp_path / "text.npz")
    (tmp_path / "empty.npz").touch()
    assert "it is not an intact .npz archive" in refusal(tmp_path / "empty.npz")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice(tmp_path):
    path = tmp_path / "model.npz"
    save_model(MODEL, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("h.npy", member())
    assert refusal(path) == "cannot be read as a model: member 'h' is there twice"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression(method, tmp_path):
    refused = npz_refusal(tmp_path, member(), method)
    assert refused.endswith("member 'header' uses an unusual compression; use deflate or none")


def test_a_bomb_is_refused_by_its_claim(tmp_path):
    path = tmp_path / "model.npz"
    zeros = member(header=layout(shape="(10000000,)"), content=bytes(80_000_000))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("h.npy", zeros)
    assert path.stat().st_size < 200_000
    with pytest.raises(
        ValueError, match=r"it claims to hold 800\d+ bytes, more than max_bytes = 10"
    ):
        load_model(path, max_bytes=10**6)


def test_a_lie_about_the_unpacked_size(tmp_path):
    path = tmp_path / "model.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("h.npy", member(np.zeros(1000)))
    data = path.read_bytes()
    true, lie = struct.pack("<I", len(member(np.zeros(1000)))), struct.pack("<I", 144)
    assert data.count(true) == 2
    path.write_bytes(data.replace(true, lie))
    assert "cannot be read as a model" in refusal(path)


def test_an_encrypted_member(tmp_path):
    path = tmp_path / "model.npz"
    save_model(MODEL, path)
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = data.find(signature)
        while position >= 0:
            data[position + flags] |= 1
            position = data.find(signature, position + 4)
    path.write_bytes(data)
    assert "it is not an intact .npz archive" in refusal(path)
    assert "encrypted" in refusal(path)


# Any damage -----------------------------------------------------------------------------------


def good_files(folder):
    model = ALRNN(
        [[0.5, 0.0], [1.0, 2.0]], np.eye(2), [0.0, 1.0], n_relu=1, C=[[1.0], [2.0]], s=[3]
    )
    network = RNN([[1.0]], [[0.5]], [0.25], nonlinearity="relu")
    for suffix in (".json", ".npz"):
        save_model(model, folder / f"model{suffix}", metadata={"a": 1})
        yield folder / f"model{suffix}"
        save_model(network, folder / f"network{suffix}")
        yield folder / f"network{suffix}"


def test_every_truncation_is_refused(tmp_path):
    for path in good_files(tmp_path):
        data = path.read_bytes()
        for length in range(len(data.rstrip())):
            path.write_bytes(data[:length])
            refusal(path)


@settings(max_examples=drawn(100, 400))
@given(edits=st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=4)), max_size=4))
def test_any_edit_gives_a_model_or_a_value_error(edits, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    for path in good_files(folder):
        data = path.read_bytes()
        for position, replacement in edits:
            start = position % len(data)
            data = data[:start] + replacement + data[start + max(1, len(replacement)) :]
        path.write_bytes(data)
        try:
            model = load_model(path)
        except ValueError as error:
            assert str(error).startswith(f"{path} ")  # noqa: PT017
        else:
            assert all(np.isfinite(a).all() for a in model.parameters.values())


# Files without an end -------------------------------------------------------------------------

LOADERS = """
import itertools, resource, sys
import rnndyn as rd
from rnndyn.cli._arguments import read_inputs
from rnndyn.training import load_state
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
for path, load in itertools.product(map(Path, sys.argv[1:]), (
    rd.load_model, rd.load_metadata, rd.io.list_arrays, rd.load_result, rd.CycleSet.load,
    rd.Certificate.load, rd.load_checkpoints, load_state, read_inputs,
)):
    try:
        load(path)
    except ValueError as error:
        assert "is a pipe, a device or a socket; copy what comes out" in str(error), error
    else:
        raise AssertionError(load)
print("refused")
"""


def test_pipes_and_devices_are_refused_at_once(tmp_path):
    """In a process of its own: it would wait for ever, or read until memory is full."""
    paths = []
    for suffix in (".npz", ".json"):
        paths += [tmp_path / f"pipe{suffix}", tmp_path / f"link{suffix}"]
        os.mkfifo(paths[-2])
        paths[-1].symlink_to("/dev/zero")
    done = subprocess.run(
        [sys.executable, "-c", LOADERS, *paths], capture_output=True, text=True, timeout=100
    )
    assert done.stdout == "refused\n", done.stderr
