"""Files of other programs with a network in them, written by those programs where they are here."""

import h5py
import numpy as np
import safetensors.numpy
import scipy.io
import torch

from bson_writer import Raw, Struct, Symbol, bson_bytes, named_tuple
from rnndyn.models import ShallowPLRNN

MODEL = ShallowPLRNN(
    A=[0.5, -0.25],
    W1=[[1.0, 0.5, -1.5], [0.25, 2.0, 1.0]],
    W2=[[1.0, 0.125], [0.0, 1.0], [-1.0, 3.0]],
    h1=[0.5, -2.0],
    h2=[0.0, -1.0, 0.75],
)
ARRAYS = dict(MODEL.parameters)


def write_npz(path, arrays):
    with path.open("wb") as stream:
        np.savez(stream, **arrays)


def write_mat5(path, arrays):
    scipy.io.savemat(path, dict(arrays))


def write_mat5_compressed(path, arrays):
    scipy.io.savemat(path, dict(arrays), do_compression=True)


def write_mat5_struct(path, arrays):
    scipy.io.savemat(path, {"label": "trained", "epoch": 12.0, "network": dict(arrays)})


def with_user_block(path, text):
    """Write the 512 bytes that MATLAB and JLD2 put in front of HDF5."""
    with path.open("r+b") as stream:
        stream.write(text.ljust(512, b" "))


def write_mat73(path, arrays):
    """As MATLAB does: vectors are matrices, axes are reversed, classes are attributes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            matrix = np.atleast_2d(array)
            options = {} if matrix.size < 3 else {"chunks": matrix.T.shape, "compression": "gzip"}
            dataset = file.create_dataset(name, data=matrix.T, **options)
            dataset.attrs["MATLAB_class"] = np.bytes_("double")
    with_user_block(path, b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: today")


def write_jld2(path, arrays):
    """As `@save path A W1 W2 h1 h2` does."""
    with h5py.File(path, "w", userblock_size=512, libver="latest") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T)
    with_user_block(path, b"HDF5-based Julia Data Format, version 0.1.1 (Julia 1.10.0)")


def write_jld2_struct(path, arrays, type_name="Main.GTF.shallowPLRNN"):
    """As `@save path model` does: a compound of references, its type committed with its name."""
    with h5py.File(path, "w", userblock_size=512, libver="latest") as file:
        kept = file.create_group("_types")
        name_type = np.dtype([("name", h5py.string_dtype()), ("number", "i8")])
        kept["00000001"] = name_type
        fields = [name.replace("1", "₁").replace("2", "₂") for name in arrays]
        kept["00000002"] = np.dtype([(field, h5py.ref_dtype) for field in [*fields, "C"]])
        kept["00000002"].attrs.create(
            "julia_type", np.array((type_name, 0), dtype=name_type), dtype=name_type
        )
        references = []
        for index, array in enumerate(arrays.values()):
            dataset = file.create_dataset(f"_refs/{index}", data=array.T)
            references.append(dataset.ref)
        model = file.create_dataset("model", shape=(), dtype=kept["00000002"])
        model[()] = np.array((*references, h5py.Reference()), dtype=model.dtype)
    with_user_block(path, b"HDF5-based Julia Data Format, version 0.1.1 (Julia 1.10.0)")


def write_hdf5(path, arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(f"net/{name}", data=array)


def write_torch(path, arrays):
    state = {name: torch.tensor(array) for name, array in arrays.items()}
    torch.save({"epoch": 3, "model_state_dict": state, "loss": 0.5, "lr": [1e-3]}, path)


def write_safetensors(path, arrays):
    safetensors.numpy.save_file(
        {f"net.{name}": np.ascontiguousarray(array) for name, array in arrays.items()},
        path,
        {"task": "Lorenz"},
    )


def write_bson(path, arrays):
    """As GTF-shPLRNN does: a list of model and observation model under `:model`."""
    model = Struct(["Main", "GTF", "shallowPLRNN"], [*arrays.values(), None])
    observation = Struct(["Main", "GTF", "Identity"], [])
    path.write_bytes(bson_bytes({"model": [model, observation]}))


#: Name -> suffix and writer.
WRITERS = {
    "NumPy": (".npz", write_npz),
    "MATLAB 5": (".mat", write_mat5),
    "MATLAB 5 compressed": (".mat", write_mat5_compressed),
    "MATLAB 5 struct": (".mat", write_mat5_struct),
    "MATLAB 7.3": (".mat", write_mat73),
    "JLD2": (".jld2", write_jld2),
    "JLD2 struct": (".jld2", write_jld2_struct),
    "HDF5": (".h5", write_hdf5),
    "torch": (".pt", write_torch),
    "safetensors": (".safetensors", write_safetensors),
    "BSON": (".bson", write_bson),
}


def write_others(folder):
    """Write files whose readers have parts that those of `WRITERS` do not reach."""
    A, W, h = np.array([0.5]), np.array([[2.0]]), np.array([1.0])
    cell = [Struct(["NNlib", "#relu"], []), W, W, h, W]
    flux = {
        "state": named_tuple(layers=(named_tuple(cell=named_tuple(Wi=W, Wh=W, bias=h)),)),
        "chain": Struct(["Flux", "Chain"], [(Struct(["Flux", "RNNCell"], cell),)]),
    }
    dictionary = Struct(
        ["Main", "Base", "Dict"],
        [[Symbol("A"), "W", "h"], [A, Raw({"tag": "backref", "ref": 1}), h]],
    )
    for name, entries in flux.items():
        (folder / f"flux-{name}.bson").write_bytes(bson_bytes({"m": entries}))
    numbers = Struct(["Main", "Base", "Dict"], [["a", "b"], np.array([1.0, 2.0])])
    entries = {"d": dictionary, "n": numbers, "x": np.float32(1), "_backrefs": [W]}
    (folder / "dictionary.bson").write_bytes(bson_bytes(entries))
    cells = np.empty(2, dtype=object)
    cells[:] = [W, "text"]
    structs = np.array([(1.0, W), (2.0, W)], dtype=[("a", object), ("b", object)])
    scipy.io.savemat(folder / "cells.mat", {"c": cells, "s": structs, "A": A, "n": np.int8([1, 2])})
    torch.manual_seed(0)
    torch.save(torch.nn.LSTM(1, 1, num_layers=2), folder / "module.pt")
    joined = {"AW": torch.eye(2), "h": torch.ones(2), "thetas": torch.ones(2, 1)}
    torch.save({"step": {**joined, "alphas": torch.ones(1).bfloat16()}}, folder / "joined.pt")
    with h5py.File(folder / "cells.h5", "w", userblock_size=512) as file:
        file["refs/a"] = np.ones((2, 1))
        file["cells"] = np.array([[file["refs/a"].ref]], dtype=h5py.ref_dtype)
        file["empty"] = np.array([0, 0], dtype="u8")
        file["empty"].attrs["MATLAB_empty"] = np.uint8(1)
        file.create_dataset("A", data=np.ones(40), chunks=(8,), compression="gzip", shuffle=True)
    with_user_block(folder / "cells.h5", b"MATLAB 7.3 MAT-file, Platform: GLNXA64")


def written(folder, name, arrays=ARRAYS):
    suffix, write = WRITERS[name]
    path = folder / f"{name.replace(' ', '-')}{suffix}"
    write(path, arrays)
    return path


def torch_file(tmp_path, content):
    """Return the path of a file that torch.save writes."""
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    return path
