"""The searches at the models of a path of smooth networks, as chunks of work."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.stopping import NEVER, Deadline
from rnndyn.cycles import _file
from rnndyn.cycles.by_input import only_set
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.search import find_cycles
from rnndyn.results.files import group_of
from rnndyn.scale_out import ChunkStoppedError, Record, raise_if_cancelled


@dataclass(frozen=True)
class SearchTask:
    """Searches for the cycles of some models; returns what `sets_of` unpacks.

    Raises `ChunkStoppedError` if a search was stopped; the argument says by what.
    """

    inputs: FloatArray | None
    orders: Sequence[int]
    method: str
    seed: int
    n_threads: int = 1
    deadline: Deadline = NEVER

    def __call__(self, models: Sequence[Any]) -> Record:
        """Search some models."""
        record: Record = {}
        for number, model in enumerate(models):
            raise_if_cancelled()
            found = self.search(model)
            if not found.finished:
                raise ChunkStoppedError(found.search.stopped_by)
            header, arrays = _file.FORMAT.taken_apart(found._state())
            record |= {f"{number}/arrays/{name}": array for name, array in arrays.items()}
            text = json.dumps(header).encode()
            record[f"{number}/header"] = np.frombuffer(text, dtype=np.uint8)
        record["n"] = np.array(len(models))
        return record

    def search(self, model: Any) -> CycleSet:
        """Search one model, until the time is up."""
        return only_set(
            find_cycles(
                model,
                orders=self.orders,
                inputs=self.inputs,
                method=self.method,
                seed=self.seed,
                n_threads=self.n_threads,
                time_limit=self.deadline.seconds_left(),
                progress=False,
            )
        )


def sets_of(record: Record) -> list[CycleSet]:
    """Return the cycles of the models of a chunk."""
    sets = []
    for number in range(int(record["n"])):
        own = group_of(record, str(number))
        header = json.loads(own["header"].tobytes())
        sets.append(CycleSet(**_file.FORMAT.put_together(header, group_of(own, "arrays"))))
    return sets
