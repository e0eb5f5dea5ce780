"""Fuzzing of HDF5 files, which another process reads: damage at random, steered by the answers."""

import random
import re
import sys
import time
from pathlib import Path

import numpy as np

from bench.fuzz.record import Record
from bench.fuzz.target import FindingError, load
from rnndyn.io._hdf5 import shared_process

#: Files that one process reads before the next one is started; as in use, that is rarely more.
_FILES = 2000
_MAX_KEPT = 5000


def fuzz_hdf5(corpus: Path, path: Path, seconds: float, seed: int, record: Record) -> int:
    """Load damaged files for some time; files that are refused in a new way are damaged further."""
    from mutations import mutated

    rng = np.random.default_rng(seed)
    chooser = random.Random(seed)
    inputs = [file.read_bytes() for file in sorted(corpus.iterdir())]
    known: set[str] = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with shared_process() as process:
            before = record.stopped
            for _ in range(_FILES):
                if time.monotonic() >= end:
                    break
                data = mutated(chooser.choice(inputs), rng)
                try:
                    result = record.run(load, path, data)
                except FindingError as error:
                    print(error, file=sys.stderr)
                    return 1
                record.add("stopped", before + process.n_ended - record.stopped)
                way = re.sub(r"'[^']*'|\d+", "", result.removeprefix(str(path)))
                if way not in known and len(known) < _MAX_KEPT:
                    known.add(way)
                    inputs.append(data)
    return 0
