"""The same answer for any number of threads, from several threads at once, and after fork."""

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd

pytestmark = pytest.mark.threads


def contents(cycles):
    """Everything a search found, bit by bit, and the effort it took."""
    effort = [
        (record.n_restarts, record.n_solves, record.n_hits, record.n_singletons)
        for record in cycles.search.orders
    ]
    arrays = [
        (block.order, block.points.tobytes(), block.itinerary.tobytes(), block.hits.tobytes())
        for block in cycles.blocks
    ]
    return arrays, effort, len(cycles.continua)


def random_shallow(seed):
    rng = np.random.default_rng(seed)
    return rd.ShallowPLRNN(
        A=rng.uniform(-0.8, 0.8, size=4),
        W1=rng.normal(size=(4, 12)),
        W2=rng.normal(size=(12, 4)),
        h1=rng.normal(size=4),
        h2=rng.normal(size=12),
    )


SEARCHES = {
    "lozi, search": lambda n: rd.find_cycles(
        rd.examples.lozi_map(), orders=[8, 11], method="search", seed=4, n_threads=n
    ),
    "lozi, list": lambda n: rd.find_cycles(
        rd.examples.lozi_map(), max_order=12, method="exhaustive", n_threads=n
    ),
    "lozi, published algorithm": lambda n: rd.find_cycles(
        rd.examples.lozi_map(), orders=[6], method="scyfi", seed=4, n_threads=n
    ),
    "ten-dimensional, auto": lambda n: rd.find_cycles(
        rd.examples.load("plrnn_10d_10"), max_order=10, seed=2, n_threads=n
    ),
    "shallow, auto": lambda n: rd.find_cycles(random_shallow(5), max_order=4, seed=1, n_threads=n),
    "continuum": lambda n: rd.find_cycles(
        rd.PLRNN(np.eye(2), np.zeros((2, 2)), np.zeros(2)), max_order=3, n_threads=n
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_the_result_does_not_depend_on_the_number_of_threads(name):
    search = SEARCHES[name]
    single = search(1)
    for n_threads in (2, 4, 7):
        several = search(n_threads)
        assert several.search.n_threads == n_threads
        assert several == single
        assert contents(several) == contents(single)


def test_several_python_threads_may_search_at_once():
    expected = {name: contents(search(1)) for name, search in SEARCHES.items()}
    failures = []
    barrier = threading.Barrier(4)

    def work(offset):
        barrier.wait()
        names = list(SEARCHES)
        for name in names[offset:] + names[:offset]:
            if contents(SEARCHES[name](2)) != expected[name]:
                failures.append(name)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_one_model_may_be_shared_by_threads():
    model = rd.examples.load("plrnn_10d_10")
    expected = model.orbit(np.ones(10), 200)
    results = [None] * 8

    def work(index):
        results[index] = model.orbit(np.ones(10), 200)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)


def _search_in_child(connection):
    connection.send(contents(SEARCHES["ten-dimensional, auto"](2)))
    connection.close()


@pytest.mark.skipif(
    "libtsan" in os.environ.get("LD_PRELOAD", ""),
    reason="ThreadSanitizer does not follow a process that forks while it has threads",
)
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_can_search_after_its_parent_did():
    expected = contents(SEARCHES["ten-dimensional, auto"](2))
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_search_in_child, args=(sending,))
    child.start()
    sending.close()
    try:
        assert receiving.poll(60), "the child hangs"
        assert receiving.recv() == expected
        child.join(timeout=60)
        assert child.exitcode == 0
    finally:
        child.kill()
        child.join()


SMALL_WORK = """
import os
import numpy as np
import rnndyn as rd

rng = np.random.default_rng(0)
network = rd.ShallowPLRNN(
    [0.5, 0.4, 0.3], 0.02 * rng.normal(size=(3, 60)), rng.normal(size=(60, 3)), rng.normal(size=3),
    rng.normal(size=60),
)
before = len(os.listdir("/proc/self/task"))
rd.lyapunov_spectrum(network, n_steps=200, n_threads=8, progress=False)
rd.lyapunov_spectrum(network, n_steps=200, n_sequences=3, n_threads=8, progress=False)
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux lists its threads")
def test_a_step_of_a_small_network_calls_no_threads():
    """They would be waited for at every step: on a busy machine for a thousand times as long."""
    run = subprocess.run(
        [sys.executable, "-c", SMALL_WORK], capture_output=True, text=True, check=True, timeout=120
    )
    assert int(run.stdout) == 0


def test_a_process_that_has_used_threads_ends():
    code = (
        "import rnndyn as rd\n"
        "rd.find_cycles(rd.examples.lozi_map(), max_order=14, method='exhaustive', n_threads=4)\n"
        "print('done')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout == "done\n"
