"""How a network stores three bits: the 27 fixed points of a trained GRU
=====================================================================

After D. Sussillo, O. Barak, "Opening the black box: low-dimensional dynamics in high-dimensional
recurrent neural networks", Neural Computation 25 (2013) 626-649: a network learns to keep three
bits. Pulses of +1 or -1 on three channels set them, and the output has to show what the last
pulse of each channel was. How does it do that? Its fixed points under the input at rest tell.

::

    python docs/gallery/flip_flop.py [--quick] [--kind GRU] [--units 24] [-o flip_flop.png]

It takes about ten seconds on one free core, nearly all of it for training with Adam; the search
takes a tenth of a second. Nothing of it is set by hand: no tolerance, no learning rate, no number
of starts.

.. figure:: /images/flip_flop.png
   :alt: what the full run drew

   The full run (stored picture). What a shorter run draws is below.

What came out of the full run:

- 27 fixed points, each proved to exist within its error bound, at most 2e-13, and to differ from
  all others.
- 8 are stable, one for each setting of the three bits, whose signs the readout shows. 12 saddles
  with one unstable direction sit on the edges of a cube, between two settings that differ in one
  bit; 6 with two unstable directions on the faces, and one with three in the middle.
- The lines in the picture are orbits: both ways along the unstable direction of the 12 saddles.
  Each ends in the two corners of its edge. A pulse pushes the state across the surface that
  belongs to the saddle, and there it falls into the other corner.
- The index sum, 8 - 12 + 6 - 1 = 1, is what it must be if no fixed point is missing. Without any
  one of the 27 it would be 0 or 2.
- There are no slow points besides, but four curves on which everything is slow, one along an edge
  and three through corners: along these approximate line attractors the speed is below 0.01 per
  step.
- Longer training takes that further. With ``--updates 2500`` the network has 25 fixed points, 7
  of them stable, and 11 slow points. The corner (-1, 1, -1) is gone; near it the speed has a
  minimum of 0.002 per step, with the readout (-0.96, 0.85, -0.99). Pulses still set these bits,
  and 40 steps later, after the length of a trial, the readout is (-0.99, 1, -1); after 160 it is
  (-0.49, 1.01, -0.99), after 400 (-0.09, 1.01, -1). The network keeps its bits for as long as it
  was asked to, along slow curves, which its fixed points alone do not show.
"""

import argparse
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

import rnndyn as rd

N_BITS = 3
#: A pulse on a channel has this probability at each step.
P_PULSE = 0.12
BATCH_SIZE, LENGTH = 32, 40
#: Stable, and 1, 2, 3 unstable directions: colour, marker, where it sits on the cube.
KINDS = (
    ("#0072B2", "o", "stable: corners"),
    ("#E69F00", "D", "1 unstable direction: edges"),
    ("#009E73", "s", "2 unstable directions: faces"),
    ("#D55E00", "^", "3 unstable directions: middle"),
)
OTHER = ("#9AA5B1", "x", "more")


class Memory(torch.nn.Module):
    """A recurrent layer and a linear readout of three bits."""

    def __init__(self, kind: str, n_units: int):
        super().__init__()
        self.rnn = getattr(torch.nn, kind)(N_BITS, n_units, batch_first=True)
        self.readout = torch.nn.Linear(n_units, N_BITS)

    def forward(self, pulses: torch.Tensor) -> torch.Tensor:
        return self.readout(self.rnn(pulses)[0])


def draw_pulses(rng: np.random.Generator, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pulses (n, LENGTH, 3) and the bits that they have set; all bits begin at 0."""
    pulses = rng.choice([-1.0, 1.0], (n, LENGTH, N_BITS))
    pulses *= rng.random((n, LENGTH, N_BITS)) < P_PULSE
    bits = np.zeros_like(pulses)
    for t in range(LENGTH):
        before = bits[:, t - 1] if t else 0.0
        bits[:, t] = np.where(pulses[:, t] != 0.0, pulses[:, t], before)
    return torch.tensor(pulses, dtype=torch.float32), torch.tensor(bits, dtype=torch.float32)


def train(kind: str, n_units: int, n_updates: int, seed: int) -> Memory:
    """Train with Adam and a falling learning rate, gradients clipped."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Memory(kind, n_units)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, n_updates)
    for update in range(n_updates):
        pulses, bits = draw_pulses(rng, BATCH_SIZE)
        loss = ((network(pulses) - bits) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if update % (n_updates // 5) == 0:
            print(f"update {update}: loss {loss.item():.4f}", flush=True)
    print(f"update {n_updates}: loss {loss.item():.4f}", flush=True)
    return network


def unstable_orbits(model: rd.RecurrentNetwork, point: rd.Cycle) -> list[np.ndarray]:
    """Return the orbits that leave a point both ways along its most unstable direction."""
    values, vectors = np.linalg.eig(point.jacobian)
    direction = vectors[:, np.argmax(np.abs(values))].real
    starts = [point.points[0] + side * 1e-3 * direction for side in (-1.0, 1.0)]
    return [model.orbit(start, 300, np.zeros(N_BITS)) for start in starts]


def n_unstable(point: rd.Cycle) -> int:
    return int((point.log_moduli > 0.0).sum())


def draw(
    path: str, model: rd.RecurrentNetwork, points: rd.CycleSet, readout: torch.nn.Module
) -> None:
    """Draw the points in three principal components, and the readouts of the stable ones."""
    states = np.array([point.points[0] for point in points])
    middle = states.mean(axis=0)
    axes = np.linalg.svd(states - middle)[2][:3]
    shown = (states - middle) @ axes.T
    kinds = np.array([n_unstable(point) for point in points])
    # Obliquely, so that no edge hides another.
    oblique = np.array([[1.0, 0.0], [0.0, 1.0], [0.35, 0.3]])
    figure = plt.figure(figsize=(9.6, 4.8), layout="constrained")
    cube = figure.add_subplot(1, 2, 1, projection="3d")
    plane = figure.add_subplot(1, 2, 2)
    for point, kind in zip(points, kinds, strict=True):
        if kind != 1:
            continue
        for orbit in unstable_orbits(model, point):
            way = (orbit - middle) @ axes.T
            cube.plot(*way.T, color=KINDS[1][0], linewidth=0.9, alpha=0.8)
            plane.plot(*(way @ oblique).T, color=KINDS[1][0], linewidth=0.9, alpha=0.8, zorder=1)
    for kind in sorted(set(kinds)):
        color, marker, label = KINDS[kind] if kind < len(KINDS) else OTHER
        own = shown[kinds == kind]
        style = {"color": color, "marker": marker, "s": 34, "edgecolors": "white"}
        cube.scatter(*own.T, depthshade=False, label=f"{label} ({len(own)})", **style)
        plane.scatter(*(own @ oblique).T, zorder=3, **style)
    with torch.no_grad():
        outputs = readout(torch.tensor(states, dtype=torch.float32)).numpy()
    for place, output in zip(shown[kinds == 0], outputs[kinds == 0], strict=True):
        bits = "".join("+" if value > 0.0 else "-" for value in output)
        plane.annotate(
            bits, tuple(place @ oblique), xytext=(4, 4), textcoords="offset points", fontsize=8
        )
    cube.view_init(elev=18, azim=-58)
    cube.set_box_aspect((1, 1, 1))
    cube.set(xlabel="PC 1", ylabel="PC 2", zlabel="PC 3")
    cube.set_xticks([]), cube.set_yticks([]), cube.set_zticks([])
    plane.set(
        xlabel="PC 1 + 0.35 PC 3",
        ylabel="PC 2 + 0.3 PC 3",
        title="bits that the readout shows at the corners",
    )
    plane.title.set_fontsize(9)
    plane.set_aspect("equal", adjustable="datalim")
    for side in ("top", "right"):
        plane.spines[side].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kind", choices=("RNN", "GRU"), default="GRU")
    parser.add_argument("--units", type=int, default=24)
    parser.add_argument("--updates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="fewer updates")
    parser.add_argument("-o", "--out", default="flip_flop.png")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.updates = 500
    torch.set_num_threads(1)

    start = time.perf_counter()
    network = train(arguments.kind, arguments.units, arguments.updates, arguments.seed)
    print(f"trained in {time.perf_counter() - start:.0f} s")

    # %%
    # The network under the input at rest. The states that it visits on its task are where the
    # search begins.
    model = rd.from_torch(network.rnn)
    pulses, _ = draw_pulses(np.random.default_rng(1), 20)
    points = rd.find_fixed_points(model, inputs=np.zeros(N_BITS), drive=pulses.numpy())
    print(points)

    kinds = [n_unstable(point) for point in points]
    for kind in sorted(set(kinds)):
        print(f"{kinds.count(kind)} fixed points with {kind} unstable directions")
    print(f"largest error bound {max(point.error_bound for point in points):.1e}")
    print(f"index sum {points.index_sum}, expected {points.index_expected}")
    print(rd.find_slow_points(model, inputs=np.zeros(N_BITS), drive=pulses.numpy()))
    with torch.no_grad():
        corners = torch.tensor(np.array([p.points[0] for p in points.stable]), dtype=torch.float32)
        outputs = network.readout(corners).numpy()
    print(f"readouts of stable points are within {np.abs(np.abs(outputs) - 1.0).max():.3f} of +-1")
    draw(arguments.out, model, points, network.readout)


if __name__ == "__main__":
    main()
