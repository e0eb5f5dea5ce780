"""A real cluster of several processes, one of them killed in the middle."""

import os
import signal
from concurrent.futures import BrokenExecutor
from functools import partial

import pytest

from rnndyn.scale_out import run_chunks
from scale_out.functions import calls, counted, cycles_of, dies_at, powers, processes
from scale_out.test_run_chunks import RUN, SLOPES, same

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(3, timeout=180)
        yield client


def test_a_cluster_gives_what_one_process_gives(client):
    function = partial(cycles_of, 1.5)
    same(run_chunks(function, SLOPES, executor=client, **RUN), run_chunks(function, SLOPES, **RUN))


def test_a_killed_worker_changes_nothing(client, tmp_path):
    side = tmp_path / "side"
    side.mkdir()
    chunks = list(range(30))
    killed = []

    def done(*_):
        if not killed and len(processes(side)) >= 2:
            killed.append(min(processes(side)))
            os.kill(killed[0], signal.SIGKILL)

    results = run_chunks(
        partial(counted, str(side), 0.05),
        chunks,
        executor=client,
        store=tmp_path / "store",
        done=done,
        **RUN,
    )
    assert killed
    same(results, [powers(chunk) for chunk in chunks])
    assert set(calls(side)) == set(chunks)
    assert len(processes(side) - set(killed)) >= 1
    n_calls = len(calls(side))
    same(
        run_chunks(partial(counted, str(side), 0.05), chunks, store=tmp_path / "store", **RUN),
        results,
    )
    assert len(calls(side)) == n_calls, "everything was in the store"


def test_a_chunk_that_kills_every_worker_is_a_clear_error(tmp_path):
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(BrokenExecutor, match=r"call again with the same store.*KilledWorker"),
    ):
        run_chunks(
            partial(dies_at, str(tmp_path), 2),
            range(4),
            executor=client,
            store=tmp_path / "store",
            **RUN,
        )
