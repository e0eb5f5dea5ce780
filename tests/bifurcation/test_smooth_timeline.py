"""Timelines and pictures of tanh, GRU and LSTM networks."""

import matplotlib
import numpy as np
import pytest

import rnndyn as rd
from smooth.cases import random_network

matplotlib.use("Agg")


def run(biases):
    return [rd.RNN([[1.0]], [[2.0]], bias_hh=[b]) for b in biases]


FOLD = 2.0 * np.sqrt(0.5) - np.arctanh(np.sqrt(0.5))


def test_epochs_of_folds():
    timeline = rd.training_timeline(
        run([-1.0, 0.0, 1.0]), [3.0, 2.0, 1.0], [10, 20, 40], progress=False
    )
    assert [event.kind for event in timeline.events] == ["fold", "fold"]
    assert timeline.events[0].epoch == pytest.approx(20 - 10 * FOLD, abs=1e-9)
    assert timeline.events[1].epoch == pytest.approx(20 + 20 * FOLD, abs=1e-9)
    assert timeline.gaps == ()
    # One branch goes through the model between, and one is born before it and dies after it.
    assert len(timeline.branches) == 3
    assert timeline.events_per_interval.tolist() == [1, 1]
    assert "fold" in str(timeline)
    assert timeline.to_dict()["events"][0]["epoch"] == timeline.events[0].epoch


def test_the_input_moves_the_folds():
    moved = rd.training_timeline(run([-1.0, 1.0]), inputs=[0.25], progress=False)
    # The bias and the input add up.
    places = [(event.s * 2.0 - 1.0) + 0.25 for event in moved.events]
    np.testing.assert_allclose(places, [-FOLD, FOLD], atol=1e-10)
    assert moved.branch_set.inputs.tolist() == [0.25]
    with pytest.raises(ValueError, match=r"inputs must have shape \(K,\) with K = 1"):
        rd.training_timeline(run([-1.0, 1.0]), inputs=[0.25, 1.0], progress=False)


def test_every_checkpoint_agrees_with_a_proof():
    rng = np.random.default_rng(7)
    model = random_network("RNN", 3, 3.0, rng)
    models = [model]
    for _ in range(9):
        changes = {k: a + 0.6 * rng.normal(size=a.shape) for k, a in model.parameters.items()}
        model = model.with_parameters(changes)
        models.append(model)
    timeline = rd.training_timeline(models, method="complete", progress=False)
    assert timeline.branch_set.run.searched_completely
    assert timeline.gaps == ()
    assert len(timeline.events) > 0
    for index, own in enumerate(models):
        found = rd.find_fixed_points(own, method="complete", progress=False)
        there = timeline.branch_set.at(float(index))
        pairs = zip(
            sorted(c.points.tolist() for c in there),
            sorted(c.points.tolist() for c in found),
            strict=True,
        )
        assert all(np.allclose(a, b, rtol=0, atol=1e-12) for a, b in pairs)


def test_files_of_checkpoints(tmp_path):
    for number, model in enumerate(run([-1.0, 0.0, 1.0])):
        rd.save_model(model, tmp_path / f"epoch{number}.npz")
    timeline = rd.training_timeline(tmp_path, progress=False)
    assert len(timeline.events) == 2
    timeline.save(tmp_path / "timeline.npz")
    assert rd.Timeline.load(tmp_path / "timeline.npz") == timeline


def test_pictures_show_the_branches():
    timeline = rd.training_timeline(run([-1.0, 0.0, 1.0]), [3.0, 2.0, 1.0], progress=False)
    loss, branches = rd.plot.training_timeline(timeline)
    labels = [text.get_text() for text in branches.get_legend().get_texts()]
    assert "fold (2)" in labels
    assert "stable" in labels
    low, high = branches.get_ylim()
    assert low < -0.9
    assert high > 0.9
    matplotlib.pyplot.close(loss.figure)
