"""The bifurcation monitor on recurrent networks of torch."""

import numpy as np
import pytest
import torch

import rnndyn as rd
from rnndyn.training import BifurcationMonitor

FOLD = 2.0 * np.sqrt(0.5) - np.arctanh(np.sqrt(0.5))


def moving_unit(monitor, start=-1.0, step=0.1, n=21):
    """A tanh unit of weight 2 whose bias grows from update to update."""
    module = torch.nn.RNN(1, 1).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        module.weight_hh_l0[:] = 2.0
        for number in range(n):
            module.bias_hh_l0[:] = start + step * number
            monitor.step(module, loss=float(number))


def test_folds_of_a_unit_of_torch():
    seen = []
    monitor = BifurcationMonitor(every=2, callback=seen.append)
    moving_unit(monitor)
    assert [event.kind for event in monitor.events] == ["fold", "fold"]
    places = [1 + (1 - FOLD) / 0.1, 1 + (1 + FOLD) / 0.1]
    np.testing.assert_allclose([event.epoch for event in monitor.events], places, atol=1e-8)
    assert [event for events in seen for event in events] == monitor.events
    timeline = monitor.timeline()
    assert timeline.gaps == ()
    assert len(timeline.branches) == 3
    np.testing.assert_allclose(timeline.events.s, (np.array(places) - 1) / 2, atol=1e-8)
    assert len(timeline.losses) == len(monitor.models) == 11


def test_the_input_is_a_bias():
    monitor = BifurcationMonitor(inputs=[0.3], every=4)
    moving_unit(monitor)
    plain = BifurcationMonitor(every=4)
    moving_unit(plain)
    # The weight of the input is 0.
    assert [event.epoch for event in monitor.events] == [event.epoch for event in plain.events]
    with pytest.raises(ValueError, match="inputs must"):
        BifurcationMonitor(inputs=[0.3, 0.1]).step(torch.nn.GRU(1, 2))


def test_a_missing_point_leads_to_a_search():
    # Too large to be searched at every look; the search at the first one finds all.
    torch.manual_seed(0)
    module = torch.nn.GRU(1, 40)
    monitor = BifurcationMonitor(every=1, search_every=100)
    for _ in range(3):
        monitor.step(module)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.mul_(1.01)
    assert monitor.searched == [1]
    monitor._keep([])  # as if it had lost them
    monitor.step(module)
    assert monitor.searched == [1, 4]
    assert "searched at 2 looks only" in repr(monitor)


def test_training_a_memory_makes_two_stable_points():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    module, readout = torch.nn.RNN(1, 4, batch_first=True), torch.nn.Linear(4, 1)
    optimizer = torch.optim.Adam([*module.parameters(), *readout.parameters()], lr=2e-2)
    monitor = BifurcationMonitor(every=15)
    for _ in range(121):
        signs = rng.choice([-1.0, 1.0], size=(16, 20, 1)) * (rng.random((16, 20, 1)) < 0.2)
        last = np.zeros_like(signs)
        for t in range(20):
            before = last[:, t - 1] if t else 0.0
            last[:, t] = np.where(signs[:, t] == 0.0, before, signs[:, t])
        inputs, targets = (torch.tensor(a, dtype=torch.float32) for a in (signs, last))
        loss = ((readout(module(inputs)[0]) - targets) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.step(module, loss)
    timeline = monitor.timeline()
    found = rd.find_fixed_points(rd.from_torch(module), progress=False)
    there = timeline.branch_set.at(float(len(monitor.models) - 1))
    assert len(there) == len(found)
    assert sum(cycle.stability == "stable" for cycle in there) >= 2
    assert any(event.kind == "fold" for event in timeline.events) or timeline.gaps
