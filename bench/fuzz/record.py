"""What the processes of the fuzzer count, in memory that their parent sees."""

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rnndyn.io import _import

_FIELDS = ("executions", "reached", "models", "stopped", "slowest")


class Record:
    """Counts of one kind of input, and the slowest input."""

    def __init__(self, folder: Path, name: str, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers = np.frombuffer(mmap.mmap(-1, 8 * len(_FIELDS)), dtype=np.float64)
        self.slowest_input = folder / f"slowest-{name}"

    def __getattr__(self, name: str) -> float:
        return float(self._numbers[_FIELDS.index(name)])

    def add(self, name: str, number: float = 1.0) -> None:
        """Add to a field."""
        self._numbers[_FIELDS.index(name)] += number

    def count_calls_of(self, loader: str) -> None:
        """Count how often the reader of a kind of file gets a file, in this process."""
        reader = _import._READERS[loader]

        def counted(*arguments: Any) -> Any:
            self._numbers[1] += 1
            return reader(*arguments)

        _import._READERS = {**_import._READERS, loader: counted}

    def run(self, load: Callable[[Path, bytes], str], path: Path, data: bytes) -> str:
        """Load an input, and count it."""
        self._numbers[0] += 1
        start = self._clock()
        result = load(path, data)
        seconds = self._clock() - start
        if seconds > self._numbers[4]:
            self._numbers[4] = seconds
            self.slowest_input.write_bytes(data)
        if result == "model":
            self._numbers[2] += 1
        return result

    def cells(self) -> tuple[str, ...]:
        """Return what a table shows."""
        counts = [f"{self._numbers[i]:,.0f}" for i in range(4)]
        return (*counts, f"{1000 * self.slowest:.0f}")
