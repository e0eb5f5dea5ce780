"""Stability diagrams on processes and on a cluster are those of this process."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import rnndyn as rd


def diagram(**options):
    model = rd.examples.load("plrnn_2d_16")
    x, y = model.get_parameter("A[0,0]"), model.get_parameter("A[1,1]")
    return rd.stability_diagram(
        model,
        ("A[0,0]", np.linspace(x - 0.05, x + 0.35, 6)),
        ("A[1,1]", np.linspace(y - 0.4, y + 0.02, 6)),
        max_order=14,
        progress=False,
        **options,
    )


@pytest.fixture(scope="module")
def serial():
    return diagram(n_threads=1)


@pytest.mark.programs
def test_an_executor_of_processes(serial):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        assert diagram(executor=executor) == serial
    assert serial.curves


@pytest.mark.programs
def test_a_cluster(serial, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2, timeout=180)
        assert diagram(executor=client, store=tmp_path / "store") == serial
    # What the cluster stored serves this process.
    assert diagram(n_threads=1, store=tmp_path / "store") == serial
