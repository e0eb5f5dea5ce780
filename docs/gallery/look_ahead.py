"""Looking ahead in training: alpha is raised only where a bifurcation is near. Is it worth it?
============================================================================================

After the supplement of L. Eisenmann, Z. Monfared, N. Göring, D. Durstewitz, "Bifurcations and loss
jumps in RNN training", NeurIPS 2023. Plain gradient descent on an ellipse, the task of
forcing_avoids_bifurcations.py, with the same initial networks: without forcing; with `LookAhead`
over 10 updates and `RaiseForcing` from alpha = 0; with the mean alpha of that run at every update,
to tell looking ahead from forcing as such; and with alpha = 0.1. Networks are judged by free runs.

::

    python docs/gallery/look_ahead.py [--quick] [--seeds 10] [--ahead 10] [-o look_ahead.png]

It takes some minutes on one free core.

What came out (10 seeds; counts are means over runs that did not overflow, quality medians)::

                                 no forcing  look-ahead  same mean alpha  alpha = 0.1
    runs that overflowed         2           0           1                1
    mean alpha                   0           0.040       0.034            0.1
    jumps of the training loss   37.1        23.8        14.1             9.7
    rises of it by 20 %          20.3        2.1         20.3             0.67
    rises of the free-run error  20.3        3.6         20.7             11.3
    bifurcations, forced map     8.6         0.2         16.8             3.0
    bifurcations, free map       8.6         3.5         15.1             3.6
    free-run error, 30 steps     0.18        0.013       0.035            0.0071
    free-run error, 100 steps    0.31        0.083       0.20             0.029
    D_stsp                       15.7        12.8        15.7             13.6
    D_H                          0.68        0.19        0.28             0.12

- Looking ahead avoids nearly all bifurcations of the forced map: 9 of 10 runs have none, one has 2
  (one of them while alpha moves), of 14 looks at which every alpha had an event; no run overflows.
- Without it the means come from few runs: with alpha = 0.1, 7 of 9 runs have none and two have 21
  and 6.
- The training loss rises steeply 2.1 times a run instead of 20 (19 of the 21 rises in one run), but
  still jumps more often than with constant alpha: jumps are judged by the spread of each run.
- Free runs are better than without forcing in the median, but by seed no difference is significant
  (sign test: D_stsp better in 7, worse in 1, p = 0.07; the others p = 0.29 to 1; against the same
  mean alpha p = 0.29 to 1).
- Constant alpha = 0.1 predicts better and needs no looking; one of its runs overflowed.
- An update took roughly twice as long, on a machine too busy to say it more exactly.
- D_stsp is hard on a limit cycle, which fills few of the cells: what misses it by a cell counts
  like what is far away, and 16 is the value for no overlap.

.. figure:: /images/look_ahead.png
   :alt: what the full run drew

   The full run (stored picture). What a shorter run draws is below.
"""

import argparse
import math
import time
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats

import rnndyn as rd
from rnndyn import training

#: What is compared, and alpha to begin with; None: the mean alpha of the run with look-ahead.
METHODS: dict[str, tuple[float | None, bool]] = {
    "no forcing": (0.0, False),
    "look-ahead": (0.0, True),
    "same mean alpha": (None, False),
    "alpha = 0.1": (0.1, False),
}
COLORS = ("#D55E00", "#0072B2", "#56B4E9", "#009E73")
#: In a run that jumps often the spread that scores are measured by is large; this is absolute.
RISE = 1.2
N_TEST, N_SETTLE, HORIZON = 10_000, 1000, 100


@dataclass
class Run:
    """One training run; `failed` where the gradient overflowed, and then nothing else counts."""

    failed: bool
    losses: np.ndarray
    alphas: np.ndarray
    milliseconds: float = math.nan
    action: training.RaiseForcing | None = None
    numbers: dict[str, float] | None = None
    errors: np.ndarray | None = None


COUNTS = (
    "jumps of the training loss",
    "rises of it by 20 %",
    "rises of the free-run error",
    "bifurcations, forced map",
    "at infinity (DTB)",
    "while alpha moves",
    "bifurcations, free map",
    "gaps, not explained by these",
)
#: Smaller is better.
QUALITY = ("free-run error, 30 steps", "free-run error, 100 steps", "D_stsp", "D_H")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--updates", type=int, default=500)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--ahead", type=int, default=10, help="updates to look ahead")
    parser.add_argument("--quick", action="store_true", help="2 seeds, 60 updates")
    parser.add_argument("-o", "--out", default="look_ahead.png")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds, arguments.updates = 2, 60
    torch.set_num_threads(1)

    series = training.datasets.ellipse(400, 0.2, axes=(1.0, 0.5)).x
    x = torch.tensor(np.stack([series[i : i + 31] for i in range(0, 360, 45)]))
    test = training.datasets.ellipse(N_TEST, 0.2, axes=(1.0, 0.5), seed=1).x
    runs: dict[str, list[Run]] = {name: [] for name in METHODS}
    for seed in range(arguments.seeds):
        for name, (alpha, looks) in METHODS.items():
            if alpha is None:
                alpha = float(runs["look-ahead"][seed].alphas.mean())
            ahead = arguments.ahead if looks else None
            run = train(x, test, alpha, ahead, seed, arguments.updates, arguments.learning_rate)
            runs[name].append(run)
        print(f"seed {seed} done", flush=True)
    print_table(runs)
    draw(arguments.out, runs)


def train(
    x: torch.Tensor,
    test: np.ndarray,
    alpha: float,
    ahead: int | None,
    seed: int,
    n_updates: int,
    rate: float,
) -> Run:
    """Plain gradient descent on the whole data set, and what came out of it."""
    module = training.TrainableShallowPLRNN(2, 10, seed=seed)
    optimizer = torch.optim.SGD(module.parameters(), lr=rate)
    forcing = training.GeneralizedForcing(alpha)
    action = training.RaiseForcing(forcing)
    look_ahead = None if ahead is None else training.LookAhead(ahead, action=action)
    models = []
    losses, free_losses, alphas = [], [], []
    seconds = 0.0

    def gradient() -> torch.Tensor:
        loss = training.prediction_loss(module, x, forcing=forcing)
        optimizer.zero_grad()
        loss.backward()
        return loss

    for _ in range(n_updates):
        start = time.perf_counter()
        loss = gradient()
        if not gradient_is_finite(module):
            return Run(True, np.array(losses), np.array(alphas))
        if look_ahead is not None and look_ahead.before_step(module, optimizer):
            loss = gradient()
        seconds += time.perf_counter() - start
        losses.append(loss.item())
        alphas.append(forcing.alpha)
        with torch.no_grad():
            free_losses.append(training.prediction_loss(module, x).item())
        models.append(module.to_model())
        start = time.perf_counter()
        optimizer.step()
        seconds += time.perf_counter() - start
    if not all(torch.isfinite(parameter).all() for parameter in module.parameters()):
        return Run(True, np.array(losses), np.array(alphas))
    numbers, errors = quality(module, test)
    return Run(
        False,
        np.array(losses),
        np.array(alphas),
        1e3 * seconds / n_updates,
        action,
        count(models, losses, free_losses, alphas) | numbers,
        errors,
    )


def gradient_is_finite(module: torch.nn.Module) -> bool:
    return all(torch.isfinite(parameter.grad).all() for parameter in module.parameters())


def count(
    models: list[rd.PiecewiseLinearModel],
    losses: list[float],
    free_losses: list[float],
    alphas: list[float],
) -> dict[str, float]:
    """Count jumps of the losses, and the bifurcations of the two maps that change the dynamics.

    What training differentiates at an update is the map with the alpha of that update; from one to
    the next, model and alpha move together. The losses belong to the models.
    """
    maps = [rd.forced(model, alpha) for model, alpha in zip(models, alphas, strict=True)]
    timelines = [
        # All cycles of every map are found: these are small enough for that.
        rd.training_timeline(own, np.log(losses), max_order=1, method="search", progress=False)
        for own in (maps, models)
    ]
    forced, free = (
        [event for event in timeline.events if training.changes_dynamics(event)]
        for timeline in timelines
    )
    moves = np.diff(alphas) != 0.0
    moving = [moves[min(int(event.s), len(moves) - 1)] for event in forced]
    counts = (
        (timelines[0].loss_jumps().differences > 0.0).sum(),
        (np.diff(np.log(losses)) > math.log(RISE)).sum(),
        (np.diff(np.log(free_losses)) > math.log(RISE)).sum(),
        len(forced),
        sum(event.kind == "degenerate_transcritical" for event in forced),
        sum(moving),
        len(free),
        sum(len(timeline.gaps) for timeline in timelines),
    )
    return {name: float(number) for name, number in zip(COUNTS, counts, strict=True)}


def quality(
    module: training.TrainableModel, test: np.ndarray
) -> tuple[dict[str, float], np.ndarray]:
    """Measure free runs, whatever the forcing in training was; infinite where they diverge."""
    try:
        errors = training.prediction_error(module, test, HORIZON)
    except OverflowError:
        errors = np.full(HORIZON, math.inf)
    values = [errors[29], errors[HORIZON - 1], math.inf, math.inf]
    try:
        free = training.generate(module, test[0], N_TEST + N_SETTLE - 1)[N_SETTLE:]
    except OverflowError:
        pass
    else:
        values[2] = training.state_space_divergence(test, free)
        # A free run on the way to infinity can be too large for a spectrum.
        if np.abs(free).max() < 1e100:
            values[3] = training.power_spectrum_distance(test, free)
    return dict(zip(QUALITY, values, strict=True)), errors


def print_table(runs: dict[str, list[Run]]) -> None:
    """Print means of the counts and medians of the quality, and comparisons by seed."""
    width = 17

    def line(name: str, cells: list[str]) -> None:
        print(f"{name:28}" + "".join(f"{cell:>{width}}" for cell in cells))

    done = {name: [run for run in tried if not run.failed] for name, tried in runs.items()}
    line("", list(runs))
    line("runs that overflowed", [f"{len(runs[n]) - len(done[n])} of {len(runs[n])}" for n in runs])
    line("mean alpha", [f"{np.mean([r.alphas.mean() for r in done[n]]):.3f}" for n in runs])
    for row, name in (
        ("times alpha was raised", "n_raised"),
        ("sank", "n_sunk"),
        ("was held", "n_held"),
        ("had no way without event", "n_unavoidable"),
    ):
        line(row, [f"{np.mean([getattr(r.action, name) for r in done[n]]):.1f}" for n in runs])
    line("ms per update", [f"{np.mean([r.milliseconds for r in done[n]]):.1f}" for n in runs])
    print("mean over the runs that did not overflow:")
    for row in COUNTS:
        line(row, [f"{np.mean([run.numbers[row] for run in done[n]]):.2f}" for n in runs])
    print("median over all runs, those that overflowed being the worst:")
    values = {
        row: {
            n: [math.inf if run.failed else run.numbers[row] for run in tried]
            for n, tried in runs.items()
        }
        for row in QUALITY
    }
    for row in QUALITY:
        line(row, [f"{np.median(values[row][n]):.3g}" for n in runs])
    for other in ("no forcing", "same mean alpha"):
        print(f"look-ahead against {other}, same seeds (sign test):")
        for row in QUALITY:
            pairs = list(zip(values[row]["look-ahead"], values[row][other], strict=True))
            better, worse = sum(a < b for a, b in pairs), sum(a > b for a, b in pairs)
            p = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
            print(f"  {row:26} better in {better}, worse in {worse} of {len(pairs)}, p = {p:.2g}")


def draw(path: str, runs: dict[str, list[Run]]) -> None:
    figure, axes = plt.subplots(2, 3, figsize=(11, 6), constrained_layout=True)
    # Before anything is drawn: losses of runs that overflow would break the ticks.
    axes[0, 0].set(yscale="log", ylim=(1e-4, 10.0))
    for name, color in zip(METHODS, COLORS, strict=True):
        done = [run for run in runs[name] if not run.failed]
        if name in ("no forcing", "look-ahead"):
            for run in runs[name]:
                axes[0, 0].plot(run.losses, color=color, lw=0.6, alpha=0.7)
            axes[0, 0].plot([], [], color=color, label=name)
        if METHODS[name][1]:
            for run in runs[name]:
                axes[0, 1].plot(run.alphas, color=color, lw=0.6, alpha=0.7)
            axes[0, 1].plot([], [], color=color, label=name)
        errors = np.median([run.errors for run in done], axis=0)
        axes[0, 2].semilogy(np.arange(1, HORIZON + 1), errors, color=color, lw=1.2, label=name)
    axes[0, 0].set(xlabel="update", title="training loss")
    axes[0, 1].set(xlabel="update", title="alpha", ylim=(0.0, 1.0))
    axes[0, 2].set(xlabel="steps ahead", title="error of free predictions, median")
    for axis in axes[0]:
        axis.legend(frameon=False, fontsize=7)
    for axis, row, title in (
        (axes[1, 0], "bifurcations, forced map", "bifurcations of the forced map"),
        (axes[1, 1], "jumps of the training loss", "upward jumps of the training loss"),
        (axes[1, 2], "D_stsp", "D_stsp of a free run"),
    ):
        rng = np.random.default_rng(0)
        for place, (name, color) in enumerate(zip(METHODS, COLORS, strict=True)):
            numbers = np.array([run.numbers[row] for run in runs[name] if not run.failed])
            numbers = numbers[np.isfinite(numbers)]
            spread = place + rng.uniform(-0.15, 0.15, len(numbers))
            axis.plot(spread, numbers, "o", color=color, mec="white", ms=6)
            axis.hlines(np.median(numbers), place - 0.3, place + 0.3, color="k")
        axis.set_xticks(
            range(len(METHODS)), [name.replace(" ", "\n", 1) for name in METHODS], fontsize=7
        )
        axis.set(title=f"{title}, per run", xlim=(-0.5, len(METHODS) - 0.5))
        axis.set_ylim(bottom=-0.03 * axis.get_ylim()[1])
    figure.savefig(path, dpi=110)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
