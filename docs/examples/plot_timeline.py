"""
A training run and its bifurcations
===================================

A shallow PLRNN learns an ellipse. Between two checkpoints the fixed points are followed exactly;
every event has a fractional number of updates.
"""

import torch

import rnndyn as rd
from rnndyn import training

torch.set_num_threads(1)
data = training.datasets.ellipse(2000).x
module = training.TrainableShallowPLRNN(2, 8, seed=3)
monitor = training.BifurcationMonitor(max_order=1, every=5)
trainer = training.Trainer(module, data, forcing=0.1, sequence_length=30, monitors=[monitor])
history = trainer.fit(300, progress=False)
print(f"loss {history.losses[0]:.3f} at the first update, {history.losses[-1]:.4f} at the last")

# %%
timeline = monitor.timeline()
print(timeline)

# %%
axes = rd.plot.training_timeline(timeline)
