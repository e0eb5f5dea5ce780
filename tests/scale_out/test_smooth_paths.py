"""Paths of smooth networks: searches on executors and from stores change nothing."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import ctrl_c
import rnndyn as rd
from rnndyn.bifurcation.path import _smooth_chunks, _smooth_run

LIMITS: dict[str, Any] = {"max_order": 2, "inputs": [0.1], "progress": False}


def networks(n: int) -> list[Any]:
    rng = np.random.default_rng(4)
    begin, end = (rng.normal(size=(6, 2)) * 2.0 for _ in range(2))
    weight_ih = rng.normal(size=(6, 1))
    return [
        rd.GRU(weight_ih, (1.0 - t) * begin + t * end, np.zeros(6), np.zeros(6))
        for t in np.linspace(0.0, 1.0, n)
    ]


MODELS = networks(7)


@pytest.fixture(autouse=True)
def few_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    # Fewer than there are models, so that a chunk holds several.
    monkeypatch.setattr(_smooth_run, "_N_CHUNKS", 4)


@pytest.fixture(scope="module")
def serial() -> Any:
    timeline = rd.training_timeline(MODELS, n_threads=1, **LIMITS)
    assert timeline.branch_set.run.finished
    assert timeline.events
    return timeline


def test_threads_of_an_executor_and_a_store(serial: Any, tmp_path: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        again = rd.training_timeline(MODELS, executor=pool, store=tmp_path / "s", **LIMITS)
    assert again == serial
    assert len(list((tmp_path / "s" / "searches").glob("*.npz"))) == 4


def test_a_store_is_taken_up_again(
    serial: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "s"
    calls = []
    original = _smooth_chunks.find_cycles

    def counted(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:
            ctrl_c.press()
        return original(*arguments, **options)

    monkeypatch.setattr(_smooth_chunks, "find_cycles", counted)
    part = rd.training_timeline(MODELS, store=store, n_threads=1, **LIMITS)
    assert part.branch_set.run.stopped_by == "interrupt"
    # Two models of the first chunk are done, so that there is a piece between them.
    assert part.branch_set.run.n_pieces_done == 1
    again = rd.training_timeline(MODELS, store=store, n_threads=2, **LIMITS)
    assert len(calls) == 4 + 5
    assert again == serial
    assert rd.training_timeline(MODELS, store=store, **LIMITS) == serial
    assert len(calls) == 4 + 5
    with pytest.raises(ValueError, match="another computation"):
        rd.training_timeline(MODELS, store=store, **{**LIMITS, "inputs": [0.2]})


def test_a_time_limit_with_a_store(tmp_path: Any) -> None:
    part = rd.training_timeline(MODELS, store=tmp_path / "s", time_limit=1e-6, **LIMITS)
    assert part.branch_set.run.stopped_by == "time_limit"
    assert part.branch_set.run.n_pieces_done == 0


@pytest.mark.programs
def test_processes(serial: Any) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert rd.training_timeline(MODELS, executor=pool, **LIMITS) == serial
        path = rd.continue_cycles(MODELS[0], MODELS[1], executor=pool, **LIMITS)
    assert path == rd.continue_cycles(MODELS[0], MODELS[1], **LIMITS)
