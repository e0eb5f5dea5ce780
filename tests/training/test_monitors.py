"""Monitors in plain loops, against known bifurcations and other ways."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rnndyn as rd  # noqa: E402
from rnndyn import training  # noqa: E402
from rnndyn.training import bifurcation_monitor  # noqa: E402

from .cases import circle, network  # noqa: E402


def itineraries(cycles):
    return sorted(cycle.itinerary.tobytes() for cycle in cycles)


@pytest.fixture(scope="module")
def run():
    """A plain loop without Trainer, that keeps every network, with a monitor in it."""
    module = training.TrainableShallowPLRNN(2, 5, seed=3)
    sampler = training.SubsequenceSampler(circle(), 15, 8)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.03)
    rng = np.random.default_rng(1)
    reported = []
    monitor = training.BifurcationMonitor(1, every=4, search_every=5, callback=reported.append)
    models, losses = [], []
    for _ in range(161):
        loss = training.prediction_loss(module, torch.tensor(sampler.draw(rng).x), forcing=0.2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.step(module, loss)
        models.append(module.to_model())
        losses.append(loss.item())
    return monitor, models, losses, reported


def test_a_plain_loop_gives_the_timeline_of_its_checkpoints(run):
    monitor, models, losses, _ = run
    assert monitor.updates == list(range(1, 162, 4))
    assert all(
        model == models[update - 1]
        for model, update in zip(monitor.models, monitor.updates, strict=True)
    )
    timeline = monitor.timeline()
    expected = rd.training_timeline(
        monitor.models, epochs=monitor.updates, method="exhaustive", progress=False
    )
    assert timeline.gaps == ()
    assert len(timeline.events) > 5
    for index, model in enumerate(monitor.models):
        found = rd.find_fixed_points(model, method="exhaustive", progress=False)
        assert itineraries(timeline.branch_set.at(float(index))) == itineraries(found)
    # Pairs that live between two looks are seen by following every itinerary only.
    places = expected.events.s
    assert all(np.abs(places - s).min() < 1e-9 for s in timeline.events.s)
    np.testing.assert_allclose(
        timeline.losses[1:], [np.mean(losses[i : i + 4]) for i in range(1, 161, 4)]
    )
    assert timeline.losses[0] == losses[0]
    assert timeline.gradient_norms is None


def test_events_are_reported_when_they_are_seen(run):
    monitor, _, _, reported = run
    assert [event for events in reported for event in events] == monitor.events
    epochs = [event.epoch for event in monitor.events]
    assert len(epochs) > 5
    assert epochs == sorted(epochs)
    everything = np.array([event.epoch for event in monitor.timeline().events])
    assert all(np.abs(everything - epoch).min() < 1e-6 for epoch in epochs)


def test_the_monitor_does_not_change_the_training():
    def trained(monitors):
        trainer = training.Trainer(
            training.TrainableShallowPLRNN(2, 5),
            circle(),
            forcing=0.2,
            sequence_length=10,
            monitors=monitors,
        )
        return trainer.fit(12, progress=False), trainer

    bifurcations = training.BifurcationMonitor(2, every=3)
    exponents = training.LyapunovMonitor(every=5, n_steps=100)
    history, trainer = trained([bifurcations, exponents])
    np.testing.assert_array_equal(history, trained([])[0])
    assert bifurcations.updates == [1, 4, 7, 10]
    assert exponents.updates == [1, 6, 11]
    timeline = bifurcations.timeline()
    assert timeline.losses[1] == pytest.approx(history.losses[1:4].mean())
    assert timeline.gradient_norms[1] == pytest.approx(history.gradient_norms[1:4].mean())
    assert trainer.n_updates == 12


def test_a_flip_is_seen_at_its_fraction_of_an_update():
    module = training.to_trainable(rd.PLRNN([[0.5]], [[-1.0]], [1.0]))
    monitor = training.BifurcationMonitor(2, every=3)
    seen = []
    for _ in range(10):
        seen.append(monitor.step(module))
        with torch.no_grad():
            module.W -= 0.07
    # After update n the weight is -1 - 0.07 (n - 1); the flip is at -1.5.
    (event,) = monitor.events
    assert event.kind == "degenerate_flip"
    assert event.epoch == pytest.approx(1.0 + 0.5 / 0.07, abs=1e-9)
    assert [len(events) for events in seen] == [0] * 9 + [1]


def born_from_nothing(monitor):
    # z -> z / 2 + w relu(z) + h: for w = 1 there is no fixed point at h > 0, and two at h < 0.
    module = training.to_trainable(rd.PLRNN([[0.5]], [[1.0]], [0.35]))
    for _ in range(8):
        monitor.step(module)
        with torch.no_grad():
            module.h -= 0.1
    return monitor


def test_what_is_born_from_nothing_known_is_seen_at_once_where_a_search_is_cheap():
    monitor = born_from_nothing(training.BifurcationMonitor(1, every=1, search_every=100))
    assert monitor.searched == monitor.updates
    for events in (monitor.events, monitor.timeline().events):
        (event,) = events
        assert (event.kind, event.outcome) == ("border_collision", "nonsmooth_fold")
        assert event.epoch == pytest.approx(1.0 + 3.5, abs=1e-9)
    assert "searched" not in repr(monitor)


def test_what_was_not_looked_for_is_said_where_a_search_is_dear(monkeypatch):
    monkeypatch.setattr(bifurcation_monitor, "_CHEAP_WORK", 0.0)
    monitor = born_from_nothing(training.BifurcationMonitor(1, every=1, search_every=12))
    assert monitor.events == []
    assert 1 < len(monitor.searched) < 8
    assert f"searched at {len(monitor.searched)} looks only" in repr(monitor)
    (event,) = monitor.timeline().events
    assert (event.kind, event.outcome) == ("border_collision", "nonsmooth_fold")
    assert event.epoch == pytest.approx(1.0 + 3.5, abs=1e-9)


def test_a_monitor_that_lost_its_cycle_to_infinity_sees_what_comes_back():
    # The fixed point of the unit that is on goes to infinity where A + W = 1, and comes back.
    module = training.to_trainable(rd.PLRNN([[0.5]], [[0.3]], [0.35]))
    monitor = training.BifurcationMonitor(1, every=1, search_every=100)
    for step in range(30):
        monitor.step(module)
        with torch.no_grad():
            module.W += 0.07 if step < 8 else -0.07
    assert [event.outcome for event in monitor.events] == ["infinity"] * len(monitor.events)
    assert [event.epoch for event in monitor.events] == pytest.approx(
        [event.epoch for event in monitor.timeline().events]
    )
    assert len(monitor.events) == 2


def test_models_and_networks_of_ones_own_are_understood():
    class Wrapped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network("plrnn")

    wrapped = Wrapped()
    monitor = training.BifurcationMonitor(to_model=lambda module: module.inner)
    monitor.step(wrapped)
    assert monitor.models == [wrapped.inner.to_model()]
    monitor = training.BifurcationMonitor()
    monitor.step(wrapped.inner.to_model(), torch.tensor(1.0, requires_grad=True))
    assert monitor.models == [wrapped.inner.to_model()]
    with pytest.raises(ValueError, match=r"no external input: leave out inputs"):
        training.BifurcationMonitor(inputs=[1.0]).step(wrapped.inner.to_model())
    with pytest.raises(TypeError, match=r"must be a torch\.nn RNN"):
        training.BifurcationMonitor().step(wrapped)


def test_a_timeline_needs_something_to_show():
    monitor = training.BifurcationMonitor(every=5)
    monitor.step(network("plrnn"))
    with pytest.raises(ValueError, match=r"got 1 from 1 calls of step\(\) with every=5"):
        monitor.timeline()
    empty = training.BifurcationMonitor(every=1)
    for _ in range(2):
        empty.step(rd.PLRNN([[0.5]], [[1.0]], [1.0]))
    with pytest.raises(ValueError, match="no cycle was seen"):
        empty.timeline()


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_exponents_of_any_torch_network_in_a_plain_loop(kind):
    generator = torch.Generator().manual_seed(0)
    network_ = getattr(torch.nn, kind)(2, 4, dtype=torch.float64)
    with torch.no_grad():
        for parameter in network_.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    optimizer = torch.optim.SGD(network_.parameters(), lr=0.1)
    inputs = np.random.default_rng(0).normal(size=(50, 2))
    monitor = training.LyapunovMonitor(every=2, inputs=inputs, n_exponents=3, transient=0)
    for _ in range(5):
        loss = network_(torch.tensor(inputs))[0].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        spectrum = monitor.step(network_, loss)
    expected = rd.lyapunov_spectrum(
        rd.from_torch(network_), inputs=inputs, n_exponents=3, transient=0, progress=False
    )
    np.testing.assert_array_equal(spectrum.exponents, expected.exponents)
    assert monitor.updates == [1, 3, 5]
    assert monitor.exponents.shape == (3, 3)
    np.testing.assert_array_equal(monitor.exponents[-1], expected.pooled)
    columns = monitor.to_columns()
    assert list(columns) == ["update", "exponent_1", "exponent_2", "exponent_3"]
    np.testing.assert_array_equal(columns["exponent_2"], monitor.exponents[:, 1])


def test_orbits_that_diverge_for_a_while_do_not_stop_the_training():
    monitor = training.LyapunovMonitor(every=1, n_steps=5000, z0=[1.0])
    with pytest.raises(ValueError, match="no spectrum yet"):
        _ = monitor.exponents
    for slope in (2.0, 0.5):
        monitor.step(rd.PLRNN([[slope]], [[0.0]], [1.0]))
    assert monitor.spectra[0] is None
    assert monitor.exponents.ravel().tolist() == [np.inf, pytest.approx(np.log(0.5))]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: training.BifurcationMonitor(0), ValueError, "max_order must be"),
        (lambda: training.BifurcationMonitor(every=0), ValueError, "every must be"),
        (lambda: training.LyapunovMonitor(every=1.5), TypeError, "every must be"),
    ],
)
def test_messages_name_the_argument(make, error, message):
    with pytest.raises(error, match=message):
        make()
