"""What can run chunks, and what to say where it cannot."""

import pickle
from collections.abc import Callable
from concurrent import futures
from typing import Any, Protocol, TypeAlias

#: A `concurrent.futures.Executor`, or a Dask client.
Executor: TypeAlias = futures.Executor | Any


class Pool(Protocol):
    """What chunks need of an executor."""

    def submit(self, function: Callable[[Any], Any], chunk: Any, /) -> Any:
        """Return a future with `add_done_callback`, `result` and `cancel`."""


class _DaskClient:
    """A Dask client as an executor.

    Not its own ``get_executor()``: where a worker dies after a task and before its result is
    fetched, that passes on the result as if it were an error (distributed 2026.8). The futures of
    the client wait until the task has run once more.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, function: Callable[[Any], Any], chunk: Any, /) -> Any:
        return self._client.submit(function, chunk, pure=False)


def as_executor(executor: Executor) -> Pool:
    """Return an executor as it is, and a Dask client as one.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if callable(getattr(executor, "get_executor", None)):
        return _DaskClient(executor)
    if not isinstance(executor, futures.Executor):
        raise TypeError(
            "executor must be a concurrent.futures.Executor, such as ProcessPoolExecutor(), or a "
            f"dask.distributed.Client, got {executor!r:.80} ({type(executor).__name__})"
        )
    return executor


def check_picklable(executor: Pool, function: Callable[..., Any], chunk: Any) -> None:
    """Complain now about what cannot be sent to another process.

    Other executors than those of the standard library may send more than pickle can (Dask does),
    and say themselves what they cannot send.

    Raises
    ------
    TypeError
        If the function or the chunk cannot be pickled.
    """
    if not isinstance(executor, futures.ProcessPoolExecutor):
        return
    try:
        pickle.dumps((function, chunk))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            "functions for an executor of processes must be defined at the top level of a module, "
            f"not inside a function or as a lambda: {error}"
        ) from error


def is_broken(error: BaseException) -> bool:
    """Tell whether an error of a future is about its executor and not about its function."""
    if isinstance(error, futures.BrokenExecutor | futures.CancelledError):
        return True
    # Dask gives a chunk up once several workers died on it. Not imported here to ask its class.
    kind = type(error)
    return kind.__name__ == "KilledWorker" and kind.__module__.startswith("distributed")
