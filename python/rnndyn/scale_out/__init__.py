"""Chunks of a long computation: run on any executor, stored as they come, resumed after a stop."""

from rnndyn.scale_out._digest import fingerprint_of
from rnndyn.scale_out._executors import Executor
from rnndyn.scale_out._itineraries import pack_itineraries, unpack_itineraries
from rnndyn.scale_out._run_chunks import ChunkStoppedError, cut_into_chunks, run_chunks
from rnndyn.scale_out._store import Record
from rnndyn.scale_out._threads import raise_if_cancelled

__all__ = [
    "ChunkStoppedError",
    "Executor",
    "Record",
    "cut_into_chunks",
    "fingerprint_of",
    "pack_itineraries",
    "raise_if_cancelled",
    "run_chunks",
    "unpack_itineraries",
]
