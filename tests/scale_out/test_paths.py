"""Timelines, paths and diagrams on executors and from stores equal those of one process."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import CtrlC
from rnndyn import _core
from rnndyn.bifurcation.path import _chunks, _follow


def training_run(n, n_units=4):
    """Return networks whose weights go along a smooth curve."""
    generator = np.random.default_rng(17)
    begin, end, bend = (
        [
            generator.uniform(-0.8, 0.8, 2),
            *(generator.normal(size=shape) for shape in ((2, n_units), (n_units, 2), 2, n_units)),
        ]
        for _ in range(3)
    )
    places = np.linspace(0.0, 1.0, n)
    return [
        rd.ShallowPLRNN(
            *(
                (1 - t) * a + t * b + t * (1 - t) * c
                for a, b, c in zip(begin, end, bend, strict=True)
            )
        )
        for t in places
    ]


MODELS = training_run(21)
#: Fewer than there are models, so that a chunk holds several: three models, or two pieces.
N_CHUNKS = 10
LIMITS = {"max_order": 2, "method": "search", "progress": False}


@pytest.fixture(autouse=True)
def few_chunks(monkeypatch):
    monkeypatch.setattr(_follow, "_N_CHUNKS", N_CHUNKS)


@pytest.fixture(scope="module")
def serial():
    timeline = rd.training_timeline(MODELS, n_threads=1, **LIMITS)
    assert len(timeline.events) > 3
    assert timeline.branch_set.run.finished
    return timeline


def how(run):
    """Return what a run tells, but for the time and the threads it took."""
    return replace(run, seconds=0.0, n_threads=0)


def check_same(timeline, serial):
    assert timeline == serial
    assert how(timeline.branch_set.run) == how(serial.branch_set.run)


def test_canonical_maps_can_be_sent():
    map_ = MODELS[0].canonical
    again = pickle.loads(pickle.dumps(map_))
    for name in ("A", "W1", "W2", "h1", "h2"):
        np.testing.assert_array_equal(getattr(again, name), getattr(map_, name))


@pytest.mark.threads
@pytest.mark.parametrize("n_threads", [2, 4, 7])
def test_threads(serial, n_threads):
    check_same(rd.training_timeline(MODELS, n_threads=n_threads, **LIMITS), serial)


def test_an_executor_of_threads(serial):
    with ThreadPoolExecutor(3) as pool:
        check_same(rd.training_timeline(MODELS, executor=pool, **LIMITS), serial)


@pytest.mark.programs
def test_an_executor_of_processes(serial, tmp_path):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        timeline = rd.training_timeline(MODELS, executor=pool, store=tmp_path / "s", **LIMITS)
    check_same(timeline, serial)
    check_same(rd.training_timeline(MODELS, store=tmp_path / "s", n_threads=1, **LIMITS), serial)


@pytest.mark.programs
def test_a_cluster_one_of_whose_workers_is_killed(serial, tmp_path):
    distributed = pytest.importorskip("distributed")

    class Killer:
        """Kill a worker once some pieces are done."""

        killed = None

        def init(self, title):
            pass

        def step(self, progress):
            if progress.n_done >= 4 and self.killed is None:
                self.killed = workers[0]
                os.kill(self.killed, signal.SIGKILL)

        def close(self):
            pass

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2, timeout=180)
        workers = sorted(client.run(os.getpid).values())
        killer = Killer()
        limits = {**LIMITS, "progress": killer}
        timeline = rd.training_timeline(MODELS, executor=client, store=tmp_path / "s", **limits)
    assert killer.killed is not None
    check_same(timeline, serial)


def test_the_other_methods_and_functions(tmp_path):
    first, last = MODELS[0], MODELS[-1]
    cycles = rd.find_cycles(first, max_order=2)
    calls = [
        (rd.continue_cycles, (first, last), {"max_order": 2, "method": "exhaustive"}),
        (rd.continue_cycles, (first, last), {"cycles": cycles}),
        (rd.bifurcation_diagram, (first, "A[0,0]", np.linspace(-0.5, 0.9, 15)), {"max_order": 2}),
    ]
    with ThreadPoolExecutor(2) as pool:
        for number, (function, arguments, options) in enumerate(calls):
            serial = function(*arguments, **options, n_threads=1, progress=False)
            store = tmp_path / str(number)
            for _ in range(2):
                other = function(*arguments, **options, executor=pool, store=store, progress=False)
                assert other == serial
                assert how(other.run) == how(serial.run)


class Spy:
    """Count the calls of a function."""

    def __init__(self, monkeypatch, module, name):
        self.n_calls = 0
        self.function = getattr(module, name)
        monkeypatch.setattr(module, name, self)

    def __call__(self, *args, **kwargs):
        self.n_calls += 1
        return self.function(*args, **kwargs)


def test_an_interrupted_run_goes_on_where_it_was(serial, tmp_path, monkeypatch):
    store = tmp_path / "store"
    searches = Spy(monkeypatch, _chunks, "search")
    pieces = Spy(monkeypatch, _core, "follow_cycles")
    done = 0
    for n in (3, 8, 15):
        limits = {**LIMITS, "progress": CtrlC(lambda state, n=n: state.n_done >= n)}
        part = rd.training_timeline(MODELS, store=store, n_threads=1, **limits).branch_set
        assert part.run.stopped_by == "interrupt"
        assert part.run.n_pieces_done >= done
        assert len(part.events) <= len(serial.events)
        done = part.run.n_pieces_done
    # The piece of an unfinished chunk is lost.
    assert searches.n_calls == len(MODELS)
    left = len(MODELS) - 1 - n_stored(store, "pieces")
    assert 0 < left < 8
    before = pieces.n_calls
    check_same(rd.training_timeline(MODELS, store=store, n_threads=1, **LIMITS), serial)
    assert pieces.n_calls == before + left
    check_same(rd.training_timeline(MODELS, store=store, n_threads=3, **LIMITS), serial)
    assert searches.n_calls == len(MODELS)
    assert pieces.n_calls == before + left


def n_stored(store, stage):
    """Return how many models or pieces are in a store."""
    return {"searches": 3, "pieces": 2}[stage] * len(list((store / stage).glob("[0-9]*")))


PROGRAM = """
import sys
sys.path[:0] = {path!r}
import rnndyn as rd
from rnndyn.bifurcation.path import _follow
from scale_out.test_paths import LIMITS, MODELS, N_CHUNKS

_follow._N_CHUNKS = N_CHUNKS

class Meter:
    def init(self, title):
        print("begins", flush=True)

    def step(self, progress):
        print(progress.n_done, flush=True)

    def close(self):
        pass

rd.training_timeline(MODELS, store=sys.argv[1], n_threads=1, **{{**LIMITS, "progress": Meter()}})
"""


@pytest.mark.programs
@pytest.mark.parametrize("n_lines", [1, 8, 20])
def test_a_killed_run_goes_on_where_it_was(serial, tmp_path, monkeypatch, n_lines):
    store = tmp_path / "store"
    path = [str(Path(__file__).parents[1]), *sys.path]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM.format(path=path)), str(store)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        for _ in range(n_lines):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    n_models, n_pieces = n_stored(store, "searches"), n_stored(store, "pieces")
    searches = Spy(monkeypatch, _chunks, "search")
    pieces = Spy(monkeypatch, _core, "follow_cycles")
    check_same(rd.training_timeline(MODELS, store=store, n_threads=1, **LIMITS), serial)
    assert searches.n_calls == len(MODELS) - n_models
    assert pieces.n_calls == len(MODELS) - 1 - n_pieces


def test_other_arguments_are_refused(tmp_path):
    store = tmp_path / "store"
    rd.training_timeline(MODELS[:5], store=store, **LIMITS)
    changed = [*MODELS[:4], MODELS[6]]
    for models, limits in (
        (MODELS[:5], {**LIMITS, "max_order": 1}),
        (MODELS[:5], {**LIMITS, "seed": 1}),
        (changed, LIMITS),
        (MODELS[:6], LIMITS),
    ):
        with pytest.raises(ValueError, match="of another computation"):
            rd.training_timeline(models, store=store, **limits)


def test_a_time_limit_with_an_executor_keeps_a_first_part():
    with ThreadPoolExecutor(1) as pool:
        timeline = rd.training_timeline(MODELS, executor=pool, time_limit=1e-9, **LIMITS)
    run = timeline.branch_set.run
    assert run.stopped_by == "time_limit"
    assert run.n_pieces_done < run.n_pieces


DEFAULT_POOL = """
import sys
sys.path[:0] = {path!r}
from concurrent.futures import ProcessPoolExecutor
import rnndyn as rd
from scale_out.test_paths import LIMITS, MODELS

if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        timeline = rd.training_timeline(MODELS, executor=pool, store=sys.argv[1], **LIMITS)
    timeline.save(sys.argv[2])
"""


@pytest.mark.programs
def test_the_default_pool_of_the_platform(serial, tmp_path):
    """It forks on Linux before Python 3.14, while the store has threads of its own."""
    path = [str(Path(__file__).parents[1]), *sys.path]
    program = tmp_path / "program.py"
    program.write_text(DEFAULT_POOL.format(path=path))
    output = tmp_path / "timeline.npz"
    subprocess.run(
        [sys.executable, str(program), str(tmp_path / "store"), str(output)],
        check=True,
        timeout=300,
    )
    check_same(rd.Timeline.load(output), serial)
