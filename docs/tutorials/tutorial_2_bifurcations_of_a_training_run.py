"""
The bifurcations of a training run
==================================

A shallow PLRNN learns to reproduce a limit cycle. While it learns, its fixed points and cycles
appear, vanish and change stability. This page trains it, lists every such event with its place
between two updates, and asks whether jumps of the loss have to do with them.
"""

# %%
# Data and network
# ----------------
# An ellipse, sampled: one turn takes 20 pi steps or so. The network has two states, which are the
# data themselves, and ten ReLU units.

import dataclasses
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import rnndyn as rd
from rnndyn import training

torch.set_num_threads(1)
data = training.datasets.ellipse(3000).x
print("data of shape", data.shape)
module = training.TrainableShallowPLRNN(2, 10, seed=2)

# %%
# Train, and keep checkpoints
# ---------------------------
# Generalised teacher forcing with strength alpha moves the state towards the data before every
# step. Every 5 updates a model file is written. ``BifurcationMonitor`` watches fixed points while
# the training runs; it would work in a loop of your own as well.
folder = Path(tempfile.mkdtemp())
monitor = training.BifurcationMonitor(max_order=1, every=5)
trainer = training.Trainer(
    module,
    data,
    forcing=0.1,
    sequence_length=40,
    learning_rate=5e-3,
    monitors=[monitor],
    folder=folder,
    checkpoint_every=5,
)
history = trainer.fit(600, progress=False)
print(f"loss of the first update {history.losses[0]:.4f}, of the last {history.losses[-1]:.5f}")
print("events seen while training:", len(monitor.events))

# %%
# The timeline
# ------------
# Between two checkpoints all parameters change along a straight line, on which every bifurcation is
# a zero of a polynomial. Nothing is stepped over, and ``gaps`` would say what is not explained.
checkpoints = sorted((folder / "models").iterdir())
losses = [history.losses[0], *history.losses[4::5]]
epochs = [5 * index for index in range(len(checkpoints))]
timeline = rd.training_timeline(
    folder / "models", losses=losses, epochs=epochs, max_order=2, progress=False
)
print(timeline)

# %%
# An event knows its kind, what becomes of the cycle, and its place between two checkpoints. Where a
# cycle persists through a border nothing is born and nothing vanishes; the others change dynamics.
for event in timeline.events:
    if event.outcome != "persistence":
        print(f"update {event.epoch:8.3f}  order {event.order}  {event.kind}, {event.outcome}")

# %%
axes = rd.plot.training_timeline(timeline)

# %%
# Do jumps of the loss coincide with events?
# ------------------------------------------
# Jumps are robust outliers of the change of the loss; chance is estimated by placing them anywhere.
print(timeline.coincidence())

# %%
# The small ``p_value`` says nothing here. Outliers are rare, but a third of the 120 intervals are
# said to be jumps: the loss falls by orders of magnitude, so every change of the first third of the
# run is an outlier against the quiet rest. Events are early as well, and two things that are early
# coincide. Look at where both are, and never at ``p_value`` alone:
jumps = timeline.loss_jumps()
with_events = np.flatnonzero(timeline.events_per_interval)
print(f"{len(jumps)} jumps, {np.mean(jumps.intervals < 40):.0%} of them in the first third")
print(
    f"{len(with_events)} intervals with events, {np.mean(with_events < 40):.0%} in the first third"
)

# %%
# Changes of the logarithm of the loss do not shrink with it. Few of them are outliers, as it should
# be, and what is left is a hint: with so few jumps, nothing more.
relative = dataclasses.replace(timeline, losses=np.log(losses))
print(relative.coincidence())

# %%
# What has it learned?
# --------------------
# The trained network, like any other: its cycles, and a free run against the data.
network = module.to_model()
cycles = rd.find_cycles(network, max_order=1, progress=False)
print(cycles)
generated = network.orbit(data[0], len(data) - 1)
print("distance of the distributions, D_stsp:", training.state_space_divergence(data, generated))
print("distance of the spectra, D_H:", training.power_spectrum_distance(data, generated))

# %%
# Are these good numbers? D_H lies between 0 and 1, and is that of data with 5 % of noise, so the
# rhythm is right. D_stsp has no upper end, so it needs a scale of the same data: the best that can
# be reached, data with noise, and a network that stands still.
half = len(data) // 2
noise = 0.05 * data.std(axis=0) * np.random.default_rng(0).normal(size=data.shape)
still = np.tile(data.mean(axis=0), (len(data), 1))
for name, one, other in [
    ("one half of the data from the other", data[:half], data[half:]),
    ("the data with noise", data, data + noise),
    ("standing still at the mean", data, still),
]:
    distance = training.state_space_divergence(one, other)
    print(f"{name}: D_stsp {distance:.3f}, D_H {training.power_spectrum_distance(one, other):.3f}")

# %%
# On this scale 4 is bad: far from what noise does, though not lost. A limit cycle fills few of the
# cells, and a curve that runs beside it by a cell counts as a miss. With coarser cells it is near:
for n_bins in (30, 20, 10, 5):
    distance = training.state_space_divergence(data, generated, n_bins=n_bins)
    print(f"{n_bins} bins: D_stsp = {distance:.3f}")

# %%
spectrum = rd.lyapunov_spectrum(network, z0=data[0], n_steps=20_000, progress=False)
print(spectrum)

# %%
# A limit cycle of a flow, sampled, is a closed curve of the map: its largest exponent is 0 within
# the error, and the fixed point inside is unstable.
figure, ax = plt.subplots()
ax.plot(*data.T, color="0.8", lw=4, label="data")
ax.plot(*generated.T, "C0", lw=1, label="free run of the network")
for cycle in cycles:
    ax.plot(*cycle.points.T, "C1^", label=f"{cycle.stability} fixed point")
ax.set(xlabel="z[0]", ylabel="z[1]")
_ = ax.legend()
