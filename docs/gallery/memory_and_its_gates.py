"""The memory of a trained network, its gates, and how far each stored state is from forgetting
==============================================================================================

A small ReLU network learns to remember which of five items it was shown last: a pulse tells the
item, and until the next pulse its two states have to stay at the place of that item in the plane.
What it stores are stable fixed points. What it takes to forget is a question about the border
between their basins, and for a piecewise linear map that border is known exactly: it is made of the
stable manifolds of the saddles between the basins, the *gates*, as pieces of straight lines. So the
distance of a state from the border, and with it the smallest perturbation that makes the network
take one item for another, is computed and not searched for.

::

    python docs/gallery/memory_and_its_gates.py [--quick] [--seed 1] [-o memory_and_its_gates.png]

It takes half a minute on one free core: five seconds for training with Adam, the rest for
simulations that check what was computed.

.. figure:: /images/memory_and_its_gates.png
   :alt: what the full run drew

   The full run (stored picture). What a shorter run draws is below.

What came out of the full run:

- Five stable fixed points, one for each item, five saddles between them, and one unstable fixed
  point in the middle; all fixed points are proved to be found.
- The border between the basins is 812 pieces of the stable manifolds of the five saddles, found in
  half a second (panel a: the basins beneath are simulated, the lines are computed). Each saddle is
  the gate between two neighbours.
- The arrows are the smallest perturbations that make the network forget. Items A, C, D and E are
  0.42 to 0.44 away from the border; B is only 0.18 away. A and B were placed 55 degrees apart, D
  and E 60, so this is what training made of it more than the task.
- The closest point of the border is never the gate itself: it is 0.2 to 5 % nearer than that, the
  most for C, where it is 0.14 away from the gate.
- For 205 states, the stored ones and 200 of the network at work (dots; panel b), a perturbation
  shorter by a thousandth changes the fate in none of 17 directions, and one longer by a thousandth
  in that of the closest point changes it: 205 of 205 are confirmed by simulation from both sides.
- Under noise (panel c) B is forgotten first: with noise of 0.06 per step mostly within 100 steps,
  when the others are still kept. Among the others the distance does not decide: how fast a state
  returns counts as well.
- Other seeds lose an item altogether: with ``--seed 2`` A and B share one stable fixed point.
"""

import argparse
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

import rnndyn as rd

#: Where the items are on the unit circle, in degrees: A, B and D, E are close.
ITEMS = {"A": 75.0, "B": 130.0, "C": 205.0, "D": 285.0, "E": 345.0}
PLACES = np.array([[np.cos(angle), np.sin(angle)] for angle in np.radians(list(ITEMS.values()))])
N_ITEMS, N_STATES, N_UNITS = len(ITEMS), 2, 16
#: There is a pulse at each step with this probability.
P_PULSE = 0.08
BATCH_SIZE, LENGTH = 64, 40
#: Noise at every step of the training, so that what is stored is stored safely.
TRAINING_NOISE = 0.03
#: Steps of the orbits that tell where states go.
N_STEPS = 300
#: Those of `rnndyn.plot.basins`, largest basin first.
COLORS = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


class Memory(torch.nn.Module):
    """A shallow PLRNN with inputs, z' = A z + W1 relu(W2 z + h2) + h1 + C s, that shows its z."""

    def __init__(self, n_units: int):
        super().__init__()
        self.A = torch.nn.Parameter(0.5 * torch.ones(N_STATES))
        self.W1 = torch.nn.Parameter(0.1 * torch.randn(N_STATES, n_units))
        self.W2 = torch.nn.Parameter(torch.randn(n_units, N_STATES))
        self.h1 = torch.nn.Parameter(torch.zeros(N_STATES))
        self.h2 = torch.nn.Parameter(0.5 * torch.randn(n_units))
        self.C = torch.nn.Parameter(3.0 * torch.tensor(PLACES.T, dtype=torch.float32))

    def forward(self, pulses: torch.Tensor) -> torch.Tensor:
        z = torch.zeros(len(pulses), N_STATES)
        states = []
        for t in range(pulses.shape[1]):
            hidden = torch.relu(z @ self.W2.T + self.h2)
            z = self.A * z + hidden @ self.W1.T + self.h1 + pulses[:, t] @ self.C.T
            z = z + TRAINING_NOISE * torch.randn_like(z)
            states.append(z)
        return torch.stack(states, dim=1)

    def at_rest(self) -> rd.ShallowPLRNN:
        """Return the network without input."""
        parameters = {
            name: getattr(self, name).detach().numpy().astype(float)
            for name in ("A", "W1", "W2", "h1", "h2")
        }
        return rd.ShallowPLRNN(**parameters)


def draw_pulses(rng: np.random.Generator, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pulses (n, LENGTH, items), one at the first step, and the items shown last."""
    items = rng.integers(N_ITEMS, size=(n, LENGTH))
    shown = rng.random((n, LENGTH)) < P_PULSE
    shown[:, 0] = True
    last = np.maximum.accumulate(np.where(shown, np.arange(LENGTH), 0), axis=1)
    pulses = np.eye(N_ITEMS)[items] * shown[:, :, np.newaxis]
    kept = np.take_along_axis(items, last, axis=1)
    return torch.tensor(pulses, dtype=torch.float32), torch.tensor(kept)


def train(n_updates: int, seed: int) -> Memory:
    """Train with Adam and a falling learning rate, gradients clipped."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Memory(N_UNITS)
    places = torch.tensor(PLACES, dtype=torch.float32)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, n_updates)
    for update in range(n_updates):
        pulses, items = draw_pulses(rng, BATCH_SIZE)
        loss = ((network(pulses) - places[items]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if update % max(n_updates // 4, 1) == 0:
            print(f"update {update}: loss {loss.item():.4f}", flush=True)
    print(f"update {n_updates}: loss {loss.item():.4f}", flush=True)
    return network


def fate_of(model: rd.ShallowPLRNN, stored: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return the number of the stored state that each orbit ends at, -1 for none: by simulation."""
    last = states
    for _ in range(N_STEPS):
        last = model.step(last)
    distances = np.linalg.norm(last[:, np.newaxis] - stored, axis=2)
    return np.where(distances.min(axis=1) < 1e-6, distances.argmin(axis=1), -1)


def visited_states(network: Memory, n: int, seed: int) -> np.ndarray:
    """Return states of the network at work, ten steps or more after a pulse."""
    pulses, _ = draw_pulses(np.random.default_rng(seed), 300)
    torch.manual_seed(seed)
    with torch.no_grad():
        states = network(pulses).numpy().astype(float)
    quiet = pulses.numpy().max(axis=2) == 0.0
    calm = [
        states[i, t] for i in range(300) for t in range(10, LENGTH) if quiet[i, t - 9 : t + 1].all()
    ]
    return np.random.default_rng(seed).permutation(np.array(calm))[:n]


def check_perturbations(
    model: rd.ShallowPLRNN, boundary: rd.BasinBoundary, stored: np.ndarray, states: np.ndarray
) -> tuple[int, int]:
    """Count of how many states the smallest perturbation is confirmed, and how many change fate.

    A thousandth less of it, or of that length in any of 16 directions, changes nothing; a
    thousandth more does.
    """
    steps = boundary.smallest_perturbation(states)
    before = fate_of(model, stored, states)
    beyond = fate_of(model, stored, states + 1.001 * steps) != before
    angles = 2.0 * np.pi * np.arange(16) / 16
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    lengths = 0.999 * np.linalg.norm(steps, axis=1)
    short = states[:, np.newaxis] + lengths[:, np.newaxis, np.newaxis] * around
    stays = fate_of(model, stored, short.reshape(-1, N_STATES)).reshape(len(states), -1)
    stays = (stays == before[:, np.newaxis]).all(axis=1)
    stays &= fate_of(model, stored, states + 0.999 * steps) == before
    return int((beyond & stays).sum()), len(states)


def forgotten(
    model: rd.ShallowPLRNN, stored: np.ndarray, noises: np.ndarray, n_orbits: int, n_steps: int
) -> np.ndarray:
    """Return the share of orbits with noise that end in another basin, (stored states, noises)."""
    rng = np.random.default_rng(0)
    shares = np.empty((len(stored), len(noises)))
    for column, noise in enumerate(noises):
        states = np.repeat(stored, n_orbits, axis=0)
        for _ in range(n_steps):
            states = model.step(states) + noise * rng.normal(size=states.shape)
        kept = fate_of(model, stored, states) == np.repeat(np.arange(len(stored)), n_orbits)
        shares[:, column] = 1.0 - kept.reshape(len(stored), n_orbits).mean(axis=1)
    return shares


def names_of(stored: np.ndarray) -> list[str]:
    """Return the item whose place is the nearest, for each stored state."""
    distances = np.linalg.norm(stored[:, np.newaxis] - PLACES, axis=2)
    return [list(ITEMS)[number] for number in distances.argmin(axis=1)]


def draw(
    path: str,
    basins: rd.Basins,
    boundary: rd.BasinBoundary,
    stored: np.ndarray,
    visited: np.ndarray,
    noises: np.ndarray,
    shares: np.ndarray,
) -> None:
    """Draw the map of the memory, how safe its states are, and what noise makes of it."""
    figure, (space, safety, loss) = plt.subplots(
        1, 3, figsize=(12.6, 4.3), layout="constrained", gridspec_kw={"width_ratios": [1.2, 1, 1]}
    )
    rd.plot.basin_boundary(boundary, space, basins=basins)
    space.get_legend().remove()
    # The largest basin has the first colour.
    rank = np.argsort(-basins.shares, kind="stable").tolist()
    nearest = [
        int(np.argmin([np.abs(cycle.points[0] - state).max() for cycle in basins.attractors]))
        for state in stored
    ]
    colors = [COLORS[rank.index(number) % len(COLORS)] for number in nearest]
    names, distances = names_of(stored), boundary.distance(stored)
    space.plot(*visited.T, ".", color="#222222", markersize=2.2, alpha=0.6, zorder=3.2)
    middle = stored.mean(axis=0)
    for name, state, step in zip(
        names, stored, boundary.smallest_perturbation(stored), strict=True
    ):
        space.annotate(
            "",
            xy=state + step,
            xytext=state,
            arrowprops={
                "arrowstyle": "-|>",
                "color": "#222222",
                "linewidth": 1.5,
                "shrinkA": 4.5,
                "shrinkB": 0.0,
            },
            zorder=4.6,
        )
        outwards = (state - middle) / np.linalg.norm(state - middle)
        space.annotate(
            name,
            state,
            xytext=tuple(19.0 * outwards),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=12,
            fontweight="bold",
        )
    space.set_title("a  basins, their border, gates (diamonds)", fontsize=9, loc="left")
    space.set_aspect("equal")

    labels = np.argmin(np.linalg.norm(visited[:, np.newaxis] - stored, axis=2), axis=1)
    at_work = boundary.distance(visited)
    bins = np.linspace(0.0, 1.05 * float(max(at_work.max(), distances.max())), 45)
    order = np.argsort(distances)
    for row, number in enumerate(order):
        counts, edges = np.histogram(at_work[labels == number], bins)
        height = 0.78 * counts / max(int(counts.max()), 1)
        safety.bar(
            edges[:-1], height, np.diff(edges), bottom=row, align="edge",
            color=colors[number], edgecolor="#222222", linewidth=0.3,
        )  # fmt: skip
        safety.plot(2 * [distances[number]], [row, row + 0.9], color="#222222", linewidth=1.4)
    safety.set_yticks(np.arange(len(order)) + 0.4, [names[number] for number in order])
    safety.set_ylim(-0.1, len(order) + 0.1)
    safety.set_xlim(0.0, bins[-1])
    safety.set_xlabel("distance to the border")
    safety.set_title("b  states at work; line: the stored state", fontsize=9, loc="left")
    for number in order:
        loss.plot(
            noises, shares[number], "o-", markersize=4.0, linewidth=1.6, color=colors[number],
            markeredgecolor="#222222", markeredgewidth=0.4,
            label=f"{names[number]}, distance {distances[number]:.2f}",
        )  # fmt: skip
    loss.set_xlabel("noise per step")
    loss.set_ylabel("share forgotten after 100 steps")
    loss.set_ylim(-0.02, 1.02)
    loss.set_title("c  what noise makes of it (colours as in b)", fontsize=9, loc="left")
    for axes in (safety, loss):
        axes.tick_params(labelsize=8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=150)
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--updates", type=int, default=800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="fewer updates and orbits")
    parser.add_argument("-o", "--out", default="memory_and_its_gates.png")
    arguments = parser.parse_args()
    n_visited, n_orbits, resolution = 200, 1_000, 400
    if arguments.quick:
        arguments.updates, n_orbits, resolution = 300, 200, 150
    torch.set_num_threads(1)

    start = time.perf_counter()
    network = train(arguments.updates, arguments.seed)
    print(f"trained in {time.perf_counter() - start:.0f} s")

    # %%
    # The network at rest, without pulses: all its fixed points, and cycles up to order 3.
    model = network.at_rest()
    cycles = rd.find_cycles(model, max_order=3, progress=False)
    print(cycles)

    # %%
    # The border between the basins, as exact pieces, and which gate lies between which memories.
    start = time.perf_counter()
    boundary = rd.basin_boundary(cycles, box=4.0, depth=60, progress=False)
    print(boundary)
    print(f"{time.perf_counter() - start:.2f} s")
    stored = np.array([cycle.points[0] for cycle in boundary.attractors if cycle.order == 1])

    # %%
    # How far each stored state is from forgetting, and which gate is the nearest.
    closest = boundary.closest_point(stored)
    for number, (name, distance, piece) in enumerate(
        zip(names_of(stored), closest.distances, closest.pieces, strict=True)
    ):
        gate = int(boundary.gate_numbers[piece])
        print(
            f"{name} (attractor {number}): {distance:.4f} from the border, at a piece of gate "
            f"{gate}"
        )

    # %%
    # Is that so? States of the network at work, each perturbed a thousandth less, in the direction
    # of the closest point and in 16 others, and a thousandth more.
    visited = visited_states(network, n_visited, 1)
    confirmed, n = check_perturbations(model, boundary, stored, np.concatenate([stored, visited]))
    print(f"smallest perturbation confirmed by simulation from both sides: {confirmed} of {n}")

    # %%
    # What noise makes of it: the memory that is nearest to its border is forgotten first.
    noises = np.linspace(0.0, 0.2, 11)
    shares = forgotten(model, stored, noises, n_orbits, 100)
    order = np.argsort(boundary.distance(stored))
    for number in order:
        print(names_of(stored)[number], " ".join(f"{share:.3f}" for share in shares[number]))
    reach = 1.6 * float(np.abs(stored).max())
    side = np.linspace(-reach, reach, resolution)
    basins = rd.basins(cycles, side, side, progress=False)
    draw(arguments.out, basins, boundary, stored, visited, noises, shares)


if __name__ == "__main__":
    main()
