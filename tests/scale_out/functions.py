"""Functions of chunks that other processes can import."""

import os
import secrets
import signal
import time
from pathlib import Path

import numpy as np

import rnndyn as rd
from rnndyn.scale_out import pack_itineraries


def powers(chunk):
    """Return the first powers of a number, as arrays of all the types that a record may have."""
    numbers = float(chunk) ** np.arange(4.0)
    return {
        "numbers": numbers,
        "halves": np.float32(0.5) * np.arange(chunk, dtype=np.float32),
        "integer": np.array(chunk),
        "large": (numbers > 1.5).reshape(2, 2),
        "roots": np.sqrt(-1j * numbers),
        "text": np.array([f"{chunk} °", ""]),
        "empty": np.zeros((0, 3), dtype=np.bool_),
    }


def cycles_of(scale, slope):
    """Search the cycles of a network; the chunk is one of its parameters."""
    network = rd.PLRNN([[slope]], [[-2.0 * scale]], [scale])
    cycles = rd.find_cycles(network, max_order=4, method="exhaustive", n_threads=1)
    bits, orders = pack_itineraries([cycle.itinerary for cycle in cycles], 1)
    points = np.concatenate([np.empty(0), *(cycle.points[:, 0] for cycle in cycles)])
    return {"bits": bits, "orders": orders, "points": points}


def counted(folder, seconds, chunk):
    """Leave a file that tells of this call and its process."""
    Path(folder, f"{chunk}.{os.getpid()}.{secrets.token_hex(4)}").touch()
    time.sleep(seconds)
    return powers(chunk)


def calls(folder):
    """Return the chunks that `counted` was called with, sorted."""
    return sorted(int(path.name.partition(".")[0]) for path in Path(folder).iterdir())


def processes(folder):
    """Return the numbers of the processes that called `counted`."""
    return {int(path.name.split(".")[1]) for path in Path(folder).iterdir()}


def dies_at(folder, last, chunk):
    """Be `counted`, and kill the own process at a chunk."""
    if chunk == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return counted(folder, 0.0, chunk)


def sizes(model):
    """Return numbers of a network by name; it has none where a parameter is above 0.8."""
    value = model.get_parameter("A[0,0]")
    if value > 0.8:
        raise ValueError("too large for this test")
    return {"square": value**2, "sum": float(np.sum(model.parameters["h"]))}


def touching(model):
    """Leave a file that tells of this call, in the folder of an environment variable."""
    value = model.get_parameter("A[0,0]")
    Path(os.environ["RNNDYN_TEST_FOLDER"], f"{value}.{secrets.token_hex(4)}").touch()
    return value
