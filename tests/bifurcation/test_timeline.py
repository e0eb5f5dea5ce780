"""Training timelines: events by epoch, tables, and jumps of the loss."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.bifurcation.timeline.loss_jumps import modified_z_scores
from rnndyn.io._archive import read_archive, write_archive

FILE = Path(__file__).parents[3] / "shared" / "data" / "shplrnn_150_checkpoints.mat"


def run(weights):
    """PLRNNs x -> x / 2 + w relu(x) + 1: a flip at w = -1.5."""
    return [rd.PLRNN([[0.5]], [[w]], [1.0]) for w in weights]


def random_run(n=30, seed=6, step=0.05):
    rng = np.random.default_rng(seed)
    values = [
        rng.uniform(0.2, 0.9, 3),
        rng.normal(size=(3, 5)),
        rng.normal(size=(5, 3)),
        rng.normal(size=3),
        rng.normal(size=5),
    ]
    models = []
    for _ in range(n):
        models.append(rd.ShallowPLRNN(*values))
        values = [value + step * rng.normal(size=value.shape) for value in values]
    return models


@pytest.fixture(scope="module")
def timeline():
    models = random_run()
    losses = np.linspace(3.0, 2.0, 30)
    losses[12:] -= 1.0
    return rd.training_timeline(
        models, losses, np.arange(30) * 10.0, gradient_norms=np.ones(30), progress=False
    )


def test_epochs_are_fractional():
    timeline = rd.training_timeline(run([-1.0, -1.2, -1.7]), epochs=[5, 10, 20], progress=False)
    (event,) = timeline.events
    assert event.kind == "degenerate_flip"
    assert event.epoch == pytest.approx(10 + 10 * 0.3 / 0.5, abs=1e-10)
    assert event.s == pytest.approx(1.6, abs=1e-12)
    (event,) = rd.training_timeline(run([-1.0, -1.2, -1.7]), progress=False).events
    assert event.epoch == event.s


def test_every_checkpoint_agrees_with_a_search(timeline):
    assert timeline.gaps == ()
    assert len(timeline.events) > 5
    for index, model in enumerate(timeline.branch_set.models):
        found = rd.find_fixed_points(model, progress=False)
        own = timeline.branch_set.at(float(index))
        assert sorted(c.itinerary.tobytes() for c in own) == sorted(
            c.itinerary.tobytes() for c in found
        )


def test_searching_instead_of_listing_explains_all_checkpoints(timeline):
    searched = rd.training_timeline(timeline.branch_set.models, method="search", progress=False)
    assert searched.branch_set.run.method == "search"
    assert searched.gaps == ()
    own, all_events = set(searched.events.s.tolist()), timeline.events.s
    assert all(np.abs(all_events - s).min() < 1e-10 for s in own)


def test_lineages_change_through_folds_only(timeline):
    for event in timeline.events:
        s, step = event.s, 1e-7
        around = [
            {b.lineage for b in timeline.branches if b.s_begin <= place <= b.s_end}
            for place in (s - step, s + step)
        ]
        if event.outcome in ("persistence", "stability_change"):
            assert around[0] == around[1]
        if event.outcome == "nonsmooth_fold":
            assert abs(len(around[0]) - len(around[1])) == 2


def test_tables(timeline):
    pytest.importorskip("pandas")
    events = timeline.to_dataframe()
    assert len(events) == len(timeline.events)
    np.testing.assert_allclose(events["epoch"], [event.epoch for event in timeline.events])
    np.testing.assert_array_equal(events["interval"], np.floor(events["s"]))
    np.testing.assert_array_equal(
        events["loss_change"], np.diff(timeline.losses)[events["interval"]]
    )
    assert (events["gradient_norm"] == 1.0).all()
    branches = timeline.to_dataframe("branches")
    np.testing.assert_allclose(branches["epoch_begin"], 10 * branches["s_begin"])
    checkpoints = timeline.to_dataframe("checkpoints")
    assert checkpoints["n_events_after"].sum() == len(timeline.events)
    assert list(checkpoints.columns) == ["epoch", "loss", "gradient_norm", "n_events_after"]
    assert len(timeline.to_dataframe("gaps")) == 0
    with pytest.raises(ValueError, match="table must be one of"):
        timeline.to_dataframe("epochs")
    pytest.importorskip("xarray")
    dataset = timeline.to_xarray()
    assert dataset.sizes["checkpoint"] == 30
    np.testing.assert_array_equal(dataset["loss"], timeline.losses)
    np.testing.assert_array_equal(dataset["event_interval"], events["interval"])


def test_compare_pickle_and_print(timeline):
    copy = pickle.loads(pickle.dumps(timeline))
    assert copy == timeline
    assert copy.events[0] == timeline.events[0]
    assert copy != rd.Timeline(timeline.branch_set)
    text = repr(timeline)
    assert text.startswith("Training timeline of 30 checkpoints, 1 loss jump, ")
    assert "epoch = 0 to 290" in text


def test_jumps_are_robust_outliers(timeline):
    jumps = timeline.loss_jumps()
    assert jumps.intervals.tolist() == [11]
    assert jumps.differences[0] == pytest.approx(-1.0 - 1.0 / 29.0)
    assert jumps.scores[0] < -3.5
    assert len(timeline.loss_jumps(threshold=1e9)) == 0
    with pytest.raises(ValueError, match="threshold must be a positive number"):
        timeline.loss_jumps(-1.0)
    with pytest.raises(ValueError, match="no losses"):
        rd.Timeline(timeline.branch_set).loss_jumps()


def test_scores_by_hand():
    # Deviations from the median 2 are 2, 1, 0, 1, 98: their median is 1.
    np.testing.assert_allclose(
        modified_z_scores(np.array([0.0, 1.0, 2.0, 3.0, 100.0])),
        0.6745 * np.array([-2.0, -1.0, 0.0, 1.0, 98.0]),
    )
    assert modified_z_scores(np.zeros(5)).tolist() == [0.0] * 5
    # More than half of them equal: the mean deviation 2 stands in.
    np.testing.assert_allclose(
        modified_z_scores(np.array([0.0, 0.0, 0.0, 0.0, 10.0]))[-1], 10.0 / (1.253314 * 2.0)
    )


def test_coincidence_against_random_intervals():
    # A flip in every fourth of 40 intervals, and the loss jumps exactly there.
    weights = [-1.0 if (i // 4) % 2 == 0 else -2.0 for i in range(41)]
    flips = np.flatnonzero(np.diff(weights))
    losses = np.zeros(41)
    for j in flips:
        losses[j + 1 :] -= 1.0
    losses += 1e-3 * np.sin(np.arange(41.0))
    timeline = rd.training_timeline(run(weights), losses, progress=False)
    assert timeline.gaps == ()
    assert np.flatnonzero(timeline.events_per_interval).tolist() == flips.tolist()
    result = timeline.coincidence()
    assert (result.n_jumps, result.n_with_event) == (len(flips), len(flips))
    assert result.expected == pytest.approx(len(flips) ** 2 / 40)
    # One choice of 9 in 40 is as good: about 4e-9, so none of the random ones.
    assert result.p_value == pytest.approx(1e-4)
    assert timeline.coincidence(n_permutations=99, seed=5).p_value == pytest.approx(0.01)
    # The wrong intervals: none coincides, and all random choices are at least as good.
    shifted = rd.Timeline(timeline.branch_set, np.roll(losses, 1))
    other = shifted.coincidence()
    assert other.n_with_event < result.n_with_event
    assert other.p_value > 0.5
    assert shifted.coincidence(window=1).n_with_event >= other.n_jumps - 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"checkpoints": []}, ValueError, "empty list"),
        ({"checkpoints": run([-1.0])}, ValueError, "at least two models"),
        ({"checkpoints": [*run([-1.0]), 3]}, TypeError, r"checkpoints\[1\]"),
        ({"losses": [1.0]}, ValueError, r"losses must have shape \(2,\)"),
        ({"losses": [1.0, np.nan]}, ValueError, r"losses must be finite, got nan at losses\[1\]"),
        ({"losses": ["a", "b"]}, TypeError, "losses must hold real numbers"),
        ({"gradient_norms": [1.0]}, ValueError, "gradient_norms must have shape"),
        ({"epochs": [1.0, 1.0]}, ValueError, "epochs must ascend"),
        ({"epochs": [0.0, np.inf]}, ValueError, "epochs must be finite"),
        ({"max_order": 1, "orders": [1]}, ValueError, "got both"),
        ({"method": "best"}, ValueError, "method must be"),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        rd.training_timeline(**{"checkpoints": run([-1.0, -2.0]), "progress": False, **options})


def test_a_folder_of_checkpoints(tmp_path):
    for i, model in enumerate(run([-1.0, -1.2, -1.7])):
        rd.save_model(model, tmp_path / f"epoch{9 + i}.npz")
    timeline = rd.training_timeline(tmp_path, progress=False)
    assert [event.epoch for event in timeline.events] == pytest.approx([1.6])


@pytest.mark.skipif(not FILE.exists(), reason="the shared data folder is not here")
def test_150_checkpoints_of_a_real_training_run():
    pytest.importorskip("scipy.io")
    models = rd.load_checkpoints(FILE)
    assert len(models) == 150
    timeline = rd.training_timeline(models, max_order=2, method="search", progress=False)
    listed = rd.training_timeline(models, max_order=1, method="exhaustive", progress=False)
    assert timeline.gaps == ()
    assert listed.gaps == ()
    # As counted when this test was written; all are collisions of unit 5 of the one fixed point.
    assert len(timeline.events) == len(listed.events) == 5
    assert {(e.kind, e.outcome, e.unit) for e in timeline.events} == {
        ("border_collision", "persistence", 5)
    }
    assert len({branch.lineage for branch in timeline.branches}) == 1
    for index, model in enumerate(models):
        found = rd.find_cycles(model, max_order=2, progress=False)
        own = timeline.branch_set.at(float(index))
        assert [c.itinerary.tobytes() for c in own] == [c.itinerary.tobytes() for c in found]
        for cycle, expected in zip(own, found, strict=True):
            np.testing.assert_allclose(cycle.points, expected.points, rtol=1e-9, atol=1e-9)


def test_a_timeline_comes_back_from_its_file(timeline, tmp_path):
    path = tmp_path / "timeline.npz"
    timeline.save(path)
    again = rd.Timeline.load(path)
    assert again == timeline
    assert again.losses is not None
    assert repr(again) == repr(timeline)
    assert rd.BranchSet.load(path) == timeline.branch_set
    bare = rd.training_timeline(run([-1.0, -1.2, -1.7]), progress=False)
    bare.save(path)
    assert rd.Timeline.load(path) == bare
    assert rd.Timeline.load(path).gradient_norms is None


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (np.ones(29), "'losses' must hold a number for every model"),
        (np.ones(30, dtype=np.int64), "'losses' must hold a number for every model"),
        (np.full(30, np.nan), "holds NaN"),
        (np.full(30, np.inf), "losses must be finite"),
    ],
)
def test_wrong_losses_in_a_file_are_refused(timeline, tmp_path, series, message):
    path = tmp_path / "timeline.npz"
    timeline.save(path)
    arrays = {**read_archive(path, 2**30), "series/losses": series}
    write_archive(path, arrays)
    with pytest.raises(ValueError, match=message) as caught:
        rd.Timeline.load(path)
    assert f"{path} cannot be read as a branch set of rnndyn" in str(caught.value)
