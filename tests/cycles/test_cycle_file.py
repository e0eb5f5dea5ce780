"""Saved sets of cycles: nothing is lost, and no damaged or hostile file gets through."""

import io
import json
import os
import stat
import zipfile

import numpy as np
import pytest

from records import line_set, searched_order, statistics, tent_cycles, tent_record
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.result import CycleSet


@pytest.fixture
def saved(tmp_path, tent):
    path = tmp_path / "tent.npz"
    tent_cycles(tent).save(path)
    return path


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def write_members(path, contents, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def as_npy(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def change_header(path, change):
    contents = members(path)
    header = json.loads(str(np.load(io.BytesIO(contents["header.npy"]))))
    change(header)
    contents["header.npy"] = as_npy(np.array(json.dumps(header)))
    write_members(path, contents)


def refused(path, match):
    with pytest.raises(ValueError, match=match) as caught:
        CycleSet.load(path)
    assert str(path) in str(caught.value)


def test_a_set_survives_saving(saved, tent):
    cycles = tent_cycles(tent)
    loaded = CycleSet.load(saved)
    assert loaded == cycles
    assert loaded.search == cycles.search
    assert loaded.model == tent
    assert repr(loaded) == repr(cycles)


def test_continua_infinities_and_overflow_survive_saving(tmp_path, tent):
    line = line_set()
    line.save(tmp_path / "line.npz")
    assert CycleSet.load(tmp_path / "line.npz") == line

    record = tent_record(1)
    record["multipliers"] = np.array([[complex(np.inf, 0.0)], [0j]])
    record["log_moduli"] = np.array([[2000.0], [-np.inf]])
    record["spectral_radius"] = np.array([np.inf, 0.0])
    cycles = CycleSet(
        tent, [CycleBlock.from_record(record)], [], statistics(searched_order(1, coverage=None))
    )
    cycles.save(tmp_path / "overflow.npz")
    assert CycleSet.load(tmp_path / "overflow.npz") == cycles


def test_the_same_set_makes_the_same_file(tmp_path, tent):
    tent_cycles(tent).save(tmp_path / "a.npz")
    tent_cycles(tent).save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_file_keeps_the_name_it_was_given(tmp_path, tent):
    tent_cycles(tent).save(str(tmp_path / "tent.cycles"))
    assert os.listdir(tmp_path) == ["tent.cycles"]


def test_saving_leaves_the_old_file_alone_on_failure(tmp_path, tent, monkeypatch):
    path = tmp_path / "tent.npz"
    tent_cycles(tent).save(path)
    before = path.read_bytes()

    def full_disk(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(np.lib.format, "write_array", full_disk)
    with pytest.raises(OSError, match="no space left"):
        tent_cycles(tent)[:2].save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["tent.npz"]


def test_a_saved_file_has_the_usual_permissions(saved):
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o666 & ~mask


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        CycleSet.load(tmp_path / "nothing.npz")


@pytest.mark.parametrize("content", [b"", b"not a file of ours", b"PK\x03\x04" + b"\0" * 100])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    refused(path, "cannot be read as a cycle set")


def test_every_truncation_is_refused(saved):
    data = saved.read_bytes()
    for length in range(0, len(data) - 1, max(1, len(data) // 200)):
        saved.write_bytes(data[:length])
        refused(saved, "cannot be read as a cycle set")


def test_flipped_bits_are_refused_or_harmless(saved, tent):
    data = bytearray(saved.read_bytes())
    rng = np.random.default_rng(0)
    outcomes = {"refused": 0, "same": 0}
    for position in rng.integers(len(data), size=400):
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(rng.integers(8))
        saved.write_bytes(damaged)
        try:
            loaded = CycleSet.load(saved)
        except ValueError:
            outcomes["refused"] += 1
        else:
            # A bit of the zip directory that means nothing, such as a time stamp.
            assert loaded == tent_cycles(tent)
            outcomes["same"] += 1
    assert outcomes["refused"] > 200


def test_a_pickle_in_the_file_is_not_run(saved, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'exploded'}",)

    contents = members(saved)
    contents["model/A.npy"] = as_npy(np.array([Bomb()], dtype=object))
    write_members(saved, contents)
    refused(saved, "member 'model/A'")
    assert not (tmp_path / "exploded").exists()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(saved):
    contents = members(saved)
    contents["model/A.npy"] = as_npy(np.zeros(200_000))
    write_members(saved, contents, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="more than max_bytes = 100000"):
        CycleSet.load(saved, max_bytes=100_000)


def test_an_array_larger_than_the_file_is_refused_before_memory_is_taken(saved):
    contents = members(saved)
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    contents["model/A.npy"] = stream.getvalue() + b"\0" * 8
    write_members(saved, contents)
    refused(saved, "model/A.*8000000000000 bytes, but 8 bytes follow")


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("order_1/points.npy", np.full((2, 1, 1), np.nan), "NaN"),
        ("order_1/itinerary.npy", np.zeros((2, 1, 2), dtype=bool), "not those of its model"),
        ("order_1/points.npy", np.zeros((2, 2, 1)), "must have shape"),
        ("order_1/margin.npy", np.zeros(7), "must have shape"),
        ("order_1/stability.npy", np.array([2, 5]), "0 to 4"),
        ("order_1/points.npy", np.array(["a", "b"]), "cannot be read"),
        ("model/A.npy", np.zeros((2, 3)), "A must"),
        ("model/surprise.npy", np.zeros(2), "surprise"),
        ("header.npy", np.zeros(3), "no header"),
        ("header.npy", np.array("[1, 2]"), 'does not say "format"'),
        ("header.npy", np.array("{"), "cannot be read"),
    ],
)
def test_wrong_members_are_refused(saved, name, array, match):
    contents = members(saved)
    contents[name] = as_npy(array)
    write_members(saved, contents)
    refused(saved, match)


@pytest.mark.parametrize("name", ["header.npy", "order_1/points.npy", "model/h.npy"])
def test_missing_members_are_refused(saved, name):
    contents = members(saved)
    del contents[name]
    write_members(saved, contents)
    refused(saved, "cannot be read as a cycle set")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda header: header.update(format="something"), 'does not say "format"'),
        (lambda header: header.update(format_version=99), "version 99.*newer rnndyn"),
        (lambda header: header.pop("format_version"), "'format_version' is missing"),
        (lambda header: header["model"].update(family="os.system"), "one of .*'os.system'"),
        (lambda header: header["model"].pop("family"), '"family" is missing'),
        (lambda header: header.update(orders=[1, 2, 4]), "is missing"),
        (lambda header: header.update(orders="many"), "cannot be read"),
        (lambda header: header.update(n_continua=1), "is missing"),
        (lambda header: header.update(n_continua=1e99), "cannot be read"),
        (lambda header: header["search"].pop("seed"), "'seed' is missing"),
        (lambda header: header["search"]["orders"][0].update(colour="red"), "colour"),
    ],
)
def test_wrong_headers_are_refused(saved, change, match):
    change_header(saved, change)
    refused(saved, match)
