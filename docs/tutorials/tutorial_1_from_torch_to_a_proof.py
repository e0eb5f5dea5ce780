"""
From a torch network to a proof
===============================

A ReLU network of torch is trained on a small task, and then taken apart: which fixed points and
cycles does it have, how stable are they, what do they mean for the task, and is anything missing?
"""

# %%
# A network that has something to remember
# ----------------------------------------
# The task: a pulse of +1 or -1 comes in at the start, and its sign is asked for many steps later.
# The network is ``torch.nn.RNN`` with ReLU units and a linear readout, trained with Adam.

import tempfile
from pathlib import Path

import numpy as np
import torch

import rnndyn as rd

torch.manual_seed(1)
torch.set_num_threads(1)
N_UNITS, N_STEPS = 12, 20

rnn = torch.nn.RNN(1, N_UNITS, nonlinearity="relu", batch_first=True)
readout = torch.nn.Linear(N_UNITS, 1)
optimizer = torch.optim.Adam([*rnn.parameters(), *readout.parameters()], lr=3e-3)

# %%
# A batch holds as many pulses of one sign as of the other, of different strength.


def batch(n=64):
    signs = torch.tensor([1.0, -1.0]).repeat(n // 2)
    x = torch.zeros(n, N_STEPS, 1)
    x[:, 0, 0] = signs * (0.5 + torch.rand(n))
    return x, signs


for update in range(601):
    x, signs = batch()
    states, _ = rnn(x)
    answers = readout(states)[:, 5:, 0]
    loss = ((answers - signs[:, None]) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(rnn.parameters(), 1.0)
    optimizer.step()
    if update % 200 == 0:
        print(f"update {update}: loss {loss.item():.4f}")

# %%
# Between pulses the input is 0. With a constant input a ReLU network of one layer is a piecewise
# linear map, and that is what cycles are searched for.
network = rd.from_torch(rnn).as_piecewise_linear([0.0])
print(network)

# %%
# Its fixed points and cycles
# ---------------------------
cycles = rd.find_cycles(network, max_order=2, progress=False)
print(cycles)

# %%
# Every ``Cycle`` says where it is, how stable it is, how far the next border of a linear region is
# (``margin``), and whether interval arithmetic has proved that it exists.
for cycle in cycles:
    print(
        f"order {cycle.order}, {cycle.stability}: largest multiplier {cycle.spectral_radius:.4f}, "
        f"margin {cycle.margin:.3g}, certified {cycle.certified}, "
        f"points within {cycle.error_bound:.1e}"
    )

# %%
# What they mean for the task
# ---------------------------
# The readout of a stable fixed point is what the network says long after a pulse. We let the
# network run freely after pulses of both signs, far longer than it was trained, and look.
with torch.no_grad():
    for sign in (1.0, -1.0):
        x = torch.zeros(1, 2000, 1)
        x[0, 0, 0] = sign
        states, _ = rnn(x)
        shown = readout(states)[0, [5, 20, 100, 500, 1999], 0].numpy().round(3)
        print(f"pulse {sign:+.0f}: answer after 5, 20, 100, 500 and 1999 steps {shown}")

weights, bias = readout.weight.detach().double().numpy()[0], float(readout.bias.detach())
for cycle in cycles:
    print(
        f"order {cycle.order}, {cycle.stability}: readout",
        np.round(cycle.points @ weights + bias, 3),
    )

# %%
# What the network really remembers permanently are its stable cycles, and the unstable ones lie
# between what they attract. A memory that fades more slowly than the training was long looks the
# same to the loss, and is told apart here.

# %%
# Is that all?
# ------------
# The search proved or listed what it could; ``method="complete"`` proves it for the orders that we
# ask for, in all of state space, and keeps the proof.
proof = rd.find_cycles(network, max_order=2, method="complete", keep_tree=True, progress=False)
print(proof.certificate)

# %%
# The proof is checked by code that shares nothing with the search, in exact rational arithmetic:
print(proof.certificate.verify(network))
assert proof.certificate.status == "proved"

# %%
# A picture
# ---------
ax = rd.plot.state_space(cycles, orbits=20)

# %%
# Keep it
# -------
# The network, the cycles with everything that made them, and the certificate go into files that
# hold numbers and text only.
with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    rd.save_model(network, folder / "network.npz", metadata={"task": "sign of a pulse"})
    cycles.save(folder / "cycles.npz")
    proof.certificate.save(folder / "proof.npz")
    for path in sorted(folder.iterdir()):
        print(path.name, path.stat().st_size, "bytes")
    again = rd.CycleSet.load(folder / "cycles.npz")
    print("the same cycles:", again == cycles)

# %%
# And what to cite for all this:
print(rd.cite(cycles, proof.certificate))
