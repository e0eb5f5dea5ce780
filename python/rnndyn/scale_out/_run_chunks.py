"""Run the chunks of a computation and keep their results."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, overload

from numpy.typing import NDArray

from rnndyn.scale_out import _threads
from rnndyn.scale_out._executors import Executor, Pool, as_executor, check_picklable, is_broken
from rnndyn.scale_out._store import Record, Stage

_T = TypeVar("_T")

#: A wait without an end cannot be interrupted on every system; `stop` is asked as often as this.
_WAIT_SECONDS = 0.1


class ChunkStoppedError(Exception):
    """Raised by the function of a chunk that was stopped before its end, as by a time limit.

    Like every error of a function it ends the run; what is finished was told to `done`.
    """


@overload
def cut_into_chunks(items: range, n_chunks: int) -> list[range]: ...
@overload
def cut_into_chunks(items: Sequence[_T], n_chunks: int) -> list[Sequence[_T]]: ...
def cut_into_chunks(items: Sequence[Any], n_chunks: int) -> Sequence[Any]:
    """Cut a sequence into at most `n_chunks` pieces of equal length (the last may be shorter).

    The cuts depend on the length alone, so that a run with other threads can resume.
    """
    size = max(-(-len(items) // n_chunks), 1)
    return [items[begin : begin + size] for begin in range(0, len(items), size)]


@overload
def run_chunks(
    function: Callable[[Any], Mapping[str, NDArray[Any]]],
    chunks: Sequence[Any],
    *,
    stage: str,
    fingerprint: str,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
    n_threads: int = 1,
    stop: None = None,
    done: Callable[[int, Record], object] | None = None,
) -> list[Record]: ...
@overload
def run_chunks(
    function: Callable[[Any], Mapping[str, NDArray[Any]]],
    chunks: Sequence[Any],
    *,
    stage: str,
    fingerprint: str,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
    n_threads: int = 1,
    stop: Callable[[], bool],
    done: Callable[[int, Record], object] | None = None,
) -> list[Record | None]: ...
def run_chunks(
    function: Callable[[Any], Mapping[str, NDArray[Any]]],
    chunks: Sequence[Any],
    *,
    stage: str,
    fingerprint: str,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
    n_threads: int = 1,
    stop: Callable[[], bool] | None = None,
    done: Callable[[int, Record], object] | None = None,
) -> Any:
    """Call a function with every chunk; keep what is finished, and compute no chunk twice.

    The result does not depend on the executor, on the number of threads, or on where a run was
    stopped and resumed, as long as the function depends on its chunk alone.

    Parameters
    ----------
    function : callable
        Gets one chunk and returns arrays by name. For an executor of processes it must be a
        function at the top level of a module, or a `functools.partial` of one. In the threads of
        this process it should call `raise_if_cancelled` now and then.
    chunks : sequence
        The chunks.
    stage : str
        Name of this part of the computation within the store.
    fingerprint : str
        Digest of everything that decides the result (see `fingerprint_of`), except the chunks'
        number, which is compared as well.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where to run them. It is not shut down. Default: threads of this process.
    store : path-like, optional
        Folder that finished chunks are written to as they come, and taken from in the next run.
        A damaged chunk is computed again, with a warning. Not for two runs at the same time.
    n_threads : int
        Number of threads, where no executor is given.
    stop : callable, optional
        Asked between chunks; True ends the run. Chunks that run elsewhere at that time are lost.
    done : callable, optional
        Called with the number and the result of every chunk as it is finished, in any order, in
        the thread that called `run_chunks`. Chunks that were in the store come first.

    Returns
    -------
    list of dict of str to ndarray
        The results in the order of the chunks; None where a chunk was not computed because of
        `stop`.

    Raises
    ------
    TypeError
        If the executor is none, or the function cannot be sent to it.
    ValueError
        If the store holds another computation, or is something else.
    concurrent.futures.BrokenExecutor
        If the executor lost its processes. What was finished is in the store.
    KeyboardInterrupt
        After Ctrl-C. What was finished is in the store, and `done` was told.
    Exception
        The first error of the function; the same holds.
    """
    run = _Run(function, list(chunks), stop, done)
    if store is not None:
        run.take_from(Stage(store, stage, fingerprint, len(run.chunks)))
    if executor is not None:
        run.on(as_executor(executor), has_store=store is not None)
    elif n_threads == 1 or len(run.waiting) <= 1:
        run.here()
    else:
        run.on_threads(n_threads)
    return run.results


class _Run:
    """The chunks that are finished and those that wait."""

    def __init__(
        self,
        function: Callable[[Any], Mapping[str, NDArray[Any]]],
        chunks: list[Any],
        stop: Callable[[], bool] | None,
        done: Callable[[int, Record], object] | None,
    ) -> None:
        self.chunks = chunks
        self.results: list[Record | None] = [None] * len(chunks)
        self._function = function
        self._stop = stop
        self._done = done
        self._stored: Stage | None = None

    @property
    def waiting(self) -> list[int]:
        return [index for index, record in enumerate(self.results) if record is None]

    def take_from(self, stored: Stage) -> None:
        for index in self.waiting:
            record = stored.read(index)
            if record is not None:
                self._finish(index, record)
        self._stored = stored

    def here(self) -> None:
        for index in self.waiting:
            if self._stopped():
                return
            self._finish(index, self._function(self.chunks[index]))

    def on_threads(self, n_threads: int) -> None:
        cancelled = threading.Event()
        pool = ThreadPoolExecutor(min(n_threads, len(self.waiting)))
        try:
            self._collect(pool, partial(_threads.call, cancelled, self._function))
        finally:
            cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def on(self, executor: Pool, has_store: bool) -> None:
        if not self.waiting:
            return
        check_picklable(executor, self._function, self.chunks[self.waiting[0]])
        try:
            self._collect(executor, self._function)
        except BaseException as error:
            if not is_broken(error):
                raise
            advice = (
                "the finished chunks are kept in the store: call again with the same store"
                if has_store
                else "with store=FOLDER, finished chunks are kept for the next call"
            )
            raise BrokenExecutor(
                f"the executor lost its workers before the end; {advice} and a new executor "
                f"({type(error).__name__}: {error})"
            ) from error

    def _collect(self, executor: Pool, function: Callable[[Any], Any]) -> None:
        finished: SimpleQueue[int] = SimpleQueue()
        futures: dict[int, Future[Any]] = {}
        try:
            for index in self.waiting:
                if self._stopped():
                    return
                future = executor.submit(function, self.chunks[index])
                futures[index] = future
                future.add_done_callback(partial(_put, finished, index))
            for _ in range(len(futures)):
                ready = self._next(finished)
                if ready is None:
                    return
                self._finish(ready, futures.pop(ready).result())
        finally:
            for future in futures.values():
                future.cancel()

    def _next(self, finished: "SimpleQueue[int]") -> int | None:
        while not self._stopped():
            try:
                return finished.get(timeout=_WAIT_SECONDS)
            except Empty:
                continue
        return None

    def _finish(self, index: int, record: Mapping[str, NDArray[Any]]) -> None:
        kept = dict(record)
        if self._stored is not None:
            self._stored.write(index, kept)
        self.results[index] = kept
        if self._done is not None:
            self._done(index, kept)

    def _stopped(self) -> bool:
        return self._stop is not None and self._stop()


def _put(finished: "SimpleQueue[int]", index: int, _: Future[Any]) -> None:
    finished.put(index)
