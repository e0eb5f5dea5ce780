"""Damaged and hostile files of other programs: one ValueError that names file and reason."""

import os
import pickle
import resource
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import torch

from bson_writer import Raw, Struct, bson_bytes
from draws import drawn
from foreign_files import ARRAYS, MODEL, WRITERS, written
from mutations import mutated
from rnndyn._common.optional import MissingPackageError
from rnndyn.io import import_model
from rnndyn.io._hdf5 import shared_process

MAX_MEMORY = 512 * 2**20
HDF5 = ("MATLAB 7.3", "JLD2", "JLD2 struct", "HDF5")


@pytest.fixture(autouse=True)
def one_process_for_hdf5():
    """Starting one for each of thousands of files would take minutes."""
    with shared_process():
        yield


def refusal(path, **arguments):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        import_model(path, **arguments)
    message = str(caught.value)
    assert message.startswith(f"{path} ")
    assert len(message) < len(str(path)) + 600
    return message.removeprefix(f"{path} ")


@pytest.mark.parametrize("name", WRITERS)
def test_truncated_files_are_refused(name, tmp_path):
    path = written(tmp_path, name)
    data = path.read_bytes()
    # HDF5 files have unused bytes at their end.
    end = len(data) - (4096 if name in HDF5 else 0)
    for length in sorted({*range(0, max(end, 1), 1 + len(data) // 150), end - 1}):
        if 0 <= length < end:
            path.write_bytes(data[:length])
            refusal(path)


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="sanitizers keep freed memory")
@pytest.mark.parametrize("name", WRITERS)
def test_any_mutation_gives_a_model_or_a_value_error(name, tmp_path):
    path = written(tmp_path, name)
    data = path.read_bytes()
    rng = np.random.default_rng(list(name.encode()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # HDF5 files go to another process and back, and some of them keep it busy until its limit.
    for _ in range(drawn(40, 150) if name in HDF5 else drawn(150, 600)):
        path.write_bytes(mutated(data, rng))
        start = time.process_time()
        try:
            model = import_model(path).model
        except ValueError as error:
            assert str(error).startswith(f"{path} ")  # noqa: PT017
        else:
            assert all(np.isfinite(a).all() for a in model.parameters.values())
        assert time.process_time() - start < 1.0
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < MAX_MEMORY


@pytest.mark.parametrize("name", WRITERS)
def test_files_larger_than_allowed_are_refused(name, tmp_path):
    path = written(tmp_path, name)
    size = path.stat().st_size
    assert f"has {size} bytes, more than max_bytes = 100" in refusal(path, max_bytes=100)


def test_other_files_of_the_same_programs(tmp_path):
    path = tmp_path / "file"
    np.save(path.with_suffix(".npy"), np.ones(3))
    assert "it is a single array of NumPy; save all" in refusal(path.with_suffix(".npy"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("models/model.json", "{}")
    assert "it is a zip archive, but neither of numpy.savez nor of torch.save" in refusal(path)
    path.with_suffix(".pt").write_bytes(pickle.dumps({"A": np.ones(3)}))
    assert "it is a pickle of Python, which can run any code" in refusal(path.with_suffix(".pt"))
    scipy.io.savemat(path.with_suffix(".mat"), {"A": np.ones(3)}, format="4")
    assert "files of version 4 have to be saved again" in refusal(path.with_suffix(".mat"))


@pytest.mark.parametrize("suffix", [".pt", ".mat", ".bson", ".safetensors", ".h5", ".dat", ""])
def test_files_of_nothing(suffix, tmp_path):
    path = tmp_path / f"file{suffix}"
    path.touch()
    assert "cannot be read as a model" in refusal(path)
    path.write_bytes(b"hello, world" * 20)
    assert "cannot be read as a model" in refusal(path)


CORPUS = sorted((Path(__file__).parent / "corpus").glob("*"))


def test_inputs_that_fuzzing_kept(tmp_path):
    """Each reached lines that no other input reached; none of them holds a model."""
    assert len(CORPUS) >= 20
    path = tmp_path / "file"
    for case in CORPUS:
        path.write_bytes(case.read_bytes())
        refusal(path)


@pytest.mark.parametrize("name", ["MATLAB 7.3", "JLD2", "HDF5"])
def test_without_h5py_the_message_names_the_extra(name, tmp_path, monkeypatch):
    path = written(tmp_path, name)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingPackageError, match=r'needs h5py.*pip install "rnndyn\[files\]"'):
        import_model(path)


@pytest.mark.parametrize("name", ["MATLAB 5", "torch", "safetensors", "BSON"])
def test_the_other_formats_need_no_package(name, tmp_path):
    path = written(tmp_path, name)
    code = (
        "import sys\n"
        "for name in ('scipy', 'torch', 'h5py', 'safetensors'): sys.modules[name] = None\n"
        f"import rnndyn; print(rnndyn.load_model({str(path)!r}, family='ShallowPLRNN'))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "ShallowPLRNN(n_states=2, n_units=3)\n"


def test_a_folder_and_a_missing_file_are_os_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        import_model(tmp_path / "absent.mat")
    with pytest.raises(OSError, match="directory"):
        import_model(tmp_path)


# Code in files --------------------------------------------------------------------------------


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickles_are_refused_and_not_run(tmp_path):
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    assert "it is a pickle of Python, which can run any code" in refusal(path)
    path = tmp_path / "object.npz"
    np.savez(path, A=np.array([Trap(tmp_path / "ran")], dtype=object))
    assert "must hold real numbers or text" in refusal(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_calls_in_files_of_torch_are_data(protocol, tmp_path):
    path = tmp_path / "weights.pt"
    state = {name: torch.tensor(array) for name, array in ARRAYS.items()}
    torch.save({"trap": Trap(tmp_path / "ran"), "m": state}, path, pickle_protocol=protocol)
    assert import_model(path).model == MODEL
    assert not (tmp_path / "ran").exists()
    # The same file does run code where it is loaded with trust.
    torch.load(path, weights_only=False)
    assert (tmp_path / "ran").exists()


# Claims ---------------------------------------------------------------------------------------


def torch_archive(path, description, **members):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/data.pkl", description)
        for name, data in members.items():
            archive.writestr(f"weights/data/{name.strip('_')}", data)
    return path


def tensor_pickle(shape, stride, offset=0, storage="FloatStorage", key="0"):
    """A pickle of {"A": tensor}, written by instructions."""

    def numbers(values):
        return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", v) for v in values) + b"t"

    return (
        b"\x80\x02}X\x01\x00\x00\x00Actorch._utils\n_rebuild_tensor_v2\n(("
        b"X\x07\x00\x00\x00storagectorch\n"
        + storage.encode()
        + b"\nX\x01\x00\x00\x00"
        + key.encode()
        + b"X\x03\x00\x00\x00cpuK\x02tQ"
        + numbers([offset])[1:-1]
        + numbers(shape)
        + numbers(stride)
        + b"\x89ccollections\nOrderedDict\n)RtRs."
    )


def test_the_pickle_used_below_is_good_without_the_damage(tmp_path):
    from rnndyn.io import list_arrays

    numbers = np.arange(4, dtype="<f4").tobytes()
    path = torch_archive(tmp_path / "a.pt", tensor_pickle([2], [1], 1), _0=numbers)
    np.testing.assert_array_equal(list_arrays(path)["A"], [1.0, 2.0])


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        (tensor_pickle([2**40], [1]), "does not fit its 4 stored numbers"),
        (tensor_pickle([2**40], [0]), "does not fit its 4 stored numbers"),
        (tensor_pickle([2**40, 2**40, 0], [1, 1, 1]), "array is too big"),
        (tensor_pickle([2], [1], 3), "does not fit its 4 stored numbers"),
        (tensor_pickle([2], [1], -1), "a tensor is damaged"),
        (tensor_pickle([-2], [1]), "a tensor is damaged"),
        (tensor_pickle([2], [-1]), "a tensor is damaged"),
        (tensor_pickle([2], [1, 1]), "a tensor is damaged"),
        (tensor_pickle([2], [1], storage="QInt8Storage"), "the file holds no array of numbers"),
        (
            tensor_pickle([2], [1], storage="ComplexDoubleStorage"),
            "the file holds no array of numbers",
        ),
        (tensor_pickle([2], [1], key="1"), "the numbers of a tensor are missing: data/1"),
        (b"", "its pickle ends"),
        (b"\x80\x02", "its pickle ends"),
        (b".", "its pickle is damaged at byte 1"),
        (b"\x80\x02X\xff\xff\xff\xffabc.", "its pickle ends after 11 bytes, in the middle"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa.", "its pickle ends"),
        (b"Nr\xff\xff\xff\xff.", "no family fits its arrays; the file holds no array"),
        (b"}h\x05.", "its pickle is damaged"),
        (b"}e.", "its pickle ends a list that never began"),
        (b"N(Ne.", "its pickle appends to a NoneType"),
        (b"N(NNu.", "its pickle sets entries of a NoneType"),
        (b"ios\nsystem\n.", "its pickle has the unusual instruction b'i'"),
        (b"](" + b"h\x00" * 3 + b"e.", "its pickle is damaged"),
        (b"]q\x00h\x00a.", "nested too deeply, or contain themselves"),
        (b"]" * 500 + b"a" * 499 + b".", "nested too deeply"),
        (b"]q\x00" + b"0](h\x00h\x00eq\x00" * 60 + b".", "nested too deeply"),
        (b"cos\nsystem\nX\x02\x00\x00\x00ls\x85R.", "the file holds no array of numbers"),
    ],
)
def test_descriptions_in_torch_files(description, reason, tmp_path):
    path = torch_archive(tmp_path / "a.pt", description, _0=bytes(16))
    assert reason in refusal(path)


def test_bombs_are_refused_by_their_claim(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights/data.pkl", tensor_pickle([2], [1]))
        archive.writestr("weights/data/0", bytes(50_000_000))
    assert "it claims to hold 500" in refusal(path, max_bytes=10**6)
    path = tmp_path / "bomb.mat"
    scipy.io.savemat(path, {"A": np.zeros(5_000_000)}, do_compression=True)
    assert "unpacks to more than max_bytes" in refusal(path, max_bytes=10**6)
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("A", data=np.zeros(5_000_000), compression="gzip")
    assert "its datasets claim more than max_bytes" in refusal(path, max_bytes=10**6)


def mat_element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def mat_file(path, *elements):
    path.write_bytes(b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + b"".join(elements))
    return path


def mat_variable(flags=6, shape=(2, 1), name=b"A", kind=9, numbers=bytes(16)):
    return mat_element(
        14,
        mat_element(6, struct.pack("<II", flags, 0))
        + mat_element(5, np.array(shape, "<i4").tobytes())
        + mat_element(1, name)
        + mat_element(kind, numbers),
    )


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        (mat_variable(shape=(2**30, 2**30)), "claims shape (1073741824, 1073741824) of float64"),
        (mat_variable(shape=(-2, -1)), "claims the impossible shape (-2, -1)"),
        (mat_variable(shape=(2,)), "claims the impossible shape (2,)"),
        (mat_variable(shape=(1,) * 9), "claims the impossible shape"),
        (mat_variable(shape=(0, 2**31 - 1), numbers=b""), "no family fits its arrays"),
        (mat_variable(kind=16), "variable 'A' has no numbers"),
        (mat_variable(flags=2), "a variable has no flags, dimensions, or lengths"),
        (mat_variable(flags=1), "a cell or field is an element of type 9 instead of a matrix"),
        (mat_variable(flags=6 + 0x0800), "the file holds no array of numbers"),
        (mat_variable(flags=4, kind=1, numbers=b"text"), "the file holds no array of numbers"),
        (mat_variable() * 2, "variable 'A' is there twice"),
        (struct.pack("<II", 14, 2**31), "an element claims 2147483648 bytes, but 0 bytes follow"),
        (struct.pack("<I", 14), "cut off inside the head of an element"),
        (mat_element(15, b"no zlib"), "a compressed variable is damaged"),
        (mat_element(15, zlib.compress(mat_variable())[:-6]), "a compressed variable is"),
    ],
)
def test_claims_of_matlab_files(variable, reason, tmp_path):
    assert reason in refusal(mat_file(tmp_path / "a.mat", variable))


def test_matlab_cells_in_cells(tmp_path):
    cell = mat_element(14, b"")
    for _ in range(60):
        cell = mat_element(
            14,
            mat_element(6, struct.pack("<II", 1, 0))
            + mat_element(5, struct.pack("<ii", 1, 1))
            + mat_element(1, b"c")
            + cell,
        )
    assert "nested too deeply" in refusal(mat_file(tmp_path / "a.mat", cell))


def test_big_endian_matlab_files(tmp_path):
    def element(kind, data):
        return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)

    content = b""
    for name, array in ARRAYS.items():
        content += element(
            14,
            element(6, struct.pack(">II", 6, 0))
            + element(5, struct.pack(">ii", *np.atleast_2d(array).shape))
            # A small element, as MATLAB writes short ones.
            + struct.pack(">HH", len(name), 1)
            + name.encode().ljust(4, b"\0")
            + element(9, np.atleast_2d(array).astype(">f8").tobytes("F")),
        )
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + content)
    assert import_model(path).model == MODEL
    np.testing.assert_array_equal(scipy.io.loadmat(path)["W1"], MODEL.W1)


def julia_array(**changes):
    entries = {
        "tag": "array",
        "type": Raw({"tag": "datatype", "params": [], "name": ["Core", "Float64"]}),
        "size": [2],
        "data": bytes(16),
    }
    return Raw({**entries, **changes})


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"A": julia_array(size=[2**40])}, "claims shape (1099511627776,) of float64"),
        ({"A": julia_array(size=[2**62, 2**62])}, "claims shape"),
        ({"A": julia_array(size=[-1])}, "claims the impossible shape"),
        ({"A": julia_array(size="2")}, "claims the impossible shape"),
        ({"A": julia_array(size=[1] * 9)}, "claims the impossible shape"),
        ({"A": julia_array(data=3)}, "an array holds int instead of bytes"),
        ({"A": julia_array(data=bytes(15))}, "but 15 bytes are there"),
        ({"A": julia_array(type=None)}, "the file holds no array of numbers"),
        ({"A": Raw({"tag": "struct", "type": None, "data": 1})}, "has no list of fields"),
        ({"A": Raw({"tag": "backref", "ref": 1})}, "it refers to object 1 of 0"),
        ({"A": Raw({"tag": "backref", "ref": "x"})}, "it refers to object 'x' of 0"),
        ({"_backrefs": 1}, "its entry _backrefs is no list"),
        (
            {
                "A": Raw({"tag": "backref", "ref": 1}),
                "_backrefs": [Raw({"tag": "backref", "ref": 1})],
            },
            "nested too deeply, or contain themselves",
        ),
        (
            {
                "A": Raw({"tag": "backref", "ref": 1}),
                "_backrefs": [[Raw({"tag": "backref", "ref": 1})] * 10],
            },
            "nested too deeply, or contain themselves",
        ),
    ],
)
def test_claims_of_bson_files(entries, reason, tmp_path):
    path = tmp_path / "a.bson"
    path.write_bytes(bson_bytes(entries))
    assert reason in refusal(path)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x07a\0", "has the unknown type 0x07"),
        (b"\x01a", "it ends at byte 7, but 8 bytes are claimed from byte 7"),
        (b"\x0a" + b"a" * 5000, "the name at byte 5 has no end"),
        (b"\x02a\0" + struct.pack("<i", -5), "but -5 bytes are claimed"),
        (b"\x02a\0" + struct.pack("<i", 2**30), "but 1073741824 bytes are claimed"),
        (b"\x05a\0" + struct.pack("<i", 2**30) + b"\0", "but 1073741824 bytes are claimed"),
        (b"\x03a\0" + struct.pack("<i", 2**30), "claims 1073741824 bytes"),
        (b"\x08a\0\x02", "is 2"),
        (b"\x0aa\0\x0aa\0", "entry 'a' is there twice"),
        (b"\x02a\0\x02\0\0\0\xff\0", "is not UTF-8"),
    ],
)
def test_damaged_bson(body, reason, tmp_path):
    path = tmp_path / "a.bson"
    path.write_bytes(struct.pack("<i", len(body) + 5) + body + b"\0")
    assert reason in refusal(path)


def safetensors_file(path, header, data=bytes(8)):
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (b'{"dtype":"F64","shape":[99999999999],"data_offsets":[0,8]}', "but 8 bytes are there"),
        (b'{"dtype":"F64","shape":[1],"data_offsets":[0,16]}', "it claims bytes 0 to 16 of 8"),
        (b'{"dtype":"F64","shape":[1],"data_offsets":[8,0]}', "it claims bytes 8 to 0 of 8"),
        (b'{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}', "its shape or its offsets are"),
        (b'{"dtype":"F64","shape":[1],"data_offsets":[0]}', "its shape or its offsets are"),
        (b'{"dtype":"X","shape":[1],"data_offsets":[0,8]}', "dtype must be one of F64, "),
        (b'{"dtype":[],"shape":[1],"data_offsets":[0,8]}', "dtype must be one of F64, "),
        (b"3", "its entry must be an object, got 3"),
        (b"[" * 100_000, "it is nested too deeply"),
    ],
)
def test_claims_of_safetensors_files(entry, reason, tmp_path):
    path = safetensors_file(tmp_path / "a.safetensors", b'{"A":' + entry + b"}")
    assert reason in refusal(path)


def test_hdf5_files_that_lead_elsewhere(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["A"] = np.ones(3)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["A"] = h5py.ExternalLink("other.h5", "A")
        file["loop"] = h5py.SoftLink("/loop")
    assert "the file holds no array of numbers" in refusal(path)
    layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "A", shape=(3,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("A", layout)
    assert "is made of others" in refusal(path)
    (tmp_path / "raw").write_bytes(bytes(24))
    with h5py.File(path, "w") as file:
        file.create_dataset("A", (3,), "f8", external=[(str(tmp_path / "raw"), 0, 24)])
    assert "is stored in another file" in refusal(path)


def test_hdf5_claims_and_circles(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        # Never written, so nothing is stored.
        file.create_dataset("A", (2**27,), "f8", chunks=(2**10,), compression="gzip")
    assert "claims 1073741824 bytes, but 0 bytes are stored" in refusal(path)
    with h5py.File(path, "w") as file:
        file["A"] = np.ones(3)
        file["lzf"] = file.create_dataset("B", data=np.ones(300), compression="lzf")
    assert "uses filter 32000; use gzip or none" in refusal(path)
    with h5py.File(path, "w") as file:
        group = file.create_group("group")
        group["again"] = group
    assert "nested too deeply, or contain themselves" in refusal(path)


def test_the_structs_of_the_files_used_above_are_good(tmp_path):
    path = tmp_path / "a.bson"
    path.write_bytes(
        bson_bytes({"m": Struct(["PLRNN"], [np.ones(1), np.ones((1, 1)), np.ones(1)])})
    )
    assert import_model(path).model.n_states == 1
