"""Lyapunov exponents as a readout of training: spectra of RNN, GRU and LSTM against the final loss
================================================================================================

After R. Vogt, M. Puelma Touzel, E. Shlizerman, G. Lajoie, "On Lyapunov exponents for RNNs:
understanding information propagation using dynamical systems tools", Front. Appl. Math. Stat. 8
(2022) 818799: exponents of networks that are driven by the data of their task, while they learn it,
over a sweep of the gain of the initial recurrent weights and of the learning rate.

Two tasks: digits of 8 x 8 pixels, row by row, and the next character of a text (a page of this
documentation; any with --text). Networks have 32 units and are trained with Adam for 10 epochs. The
exponents belong to long input that is not trained on and along which the state is never reset.

::

    python docs/gallery/lyapunov_readout.py [--quick] [--hidden 32] [--epochs 10] [-o readout.png]

It takes about 4 minutes on one free core. The picture shows the final loss against the largest
exponent after 20 % of the training; --statistic and --when show others.

What came out (6 gains, 3 learning rates, 2 seeds: n = 36 in each of six panels, none overflowed):

- 46 networks have a largest exponent above 0.1 after 20 % of the training. 44 of them end in the
  worse half of the 12 networks with their task, kind and learning rate, 43 in the worst third.
- The best network of each learning rate is then below 0: between -0.13 and -0.01 in 14 of 18 cases,
  but -0.4 to -1.7 in four on characters (RNN at all rates, GRU at one): it need not be close to 0.
- The relation is not monotone: flat or falling up to about 0, steep above. So the largest exponent
  correlates with the final loss in the RNN (Spearman +0.65 on digits, p = 2e-5; +0.68 on
  characters, p = 5e-6) and hardly in GRU and LSTM (+0.10, -0.09; +0.32, +0.08), where the learning
  rate decides (-0.68 to -0.94). Within learning rates: +0.74, +0.31, +0.58 for RNN, GRU and LSTM on
  digits and +0.83, +0.59, +0.36 on characters.
- The sum of the positive exponents is the only statistic with the same sign everywhere. Already at
  the start, within learning rates: +0.75, +0.64, +0.63 and +0.86, +0.83, +0.80, more than the gain
  itself (+0.65, +0.41, +0.46 and +0.84, +0.74, +0.47). In GRU and LSTM it says more than the
  validation loss after 20 % of the training (+0.48, +0.24 and +0.73, +0.66), which is only then
  known; in the RNN that loss says a little more (+0.89 on both tasks).
- Across learning rates that loss (+0.89 to +0.96) is a better readout than any statistic of the
  spectrum, at any time and in every panel.
- Mean and variance have no sign of their own: after 20 %, the mean has -0.64 in one panel and +0.89
  in another.

The p-values take the runs as independent, but at the start there are 12 different networks in a
panel, each trained at three rates. 29 of the 90 correlations in the table pass Bonferroni's bound.
That the spectrum is a readout of stability holds here in one direction: exponents well above 0 are
bad. Which of the stable networks is best it does not tell.

.. figure:: /images/lyapunov_readout.png
   :alt: what the full run drew

   The full run (stored picture). What a shorter run draws is below.
"""

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import LogNorm
from scipy import stats

from rnndyn import training

ARCHITECTURES = {"RNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}
GAINS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
LEARNING_RATES = (1e-3, 3e-3, 1e-2)
MARKERS = ("o", "s", "^")
STATISTICS = {
    "largest": "largest exponent (nats per step)",
    "|largest|": "modulus of the largest exponent",
    "mean": "mean exponent",
    "variance": "variance of the exponents",
    "sum of positive": "sum of the positive exponents",
}
#: Looks at a network during its training, besides the one at the start.
N_LOOKS = 5
#: Which of them the table shows.
TIMES = {"start": 0, "20 %": 1, "end": N_LOOKS}
BATCH_SIZE = {"digits": 32, "characters": 16}
PIECE = 32
N_SEQUENCES, SEQUENCE_LENGTH = 4, 400


class Network(torch.nn.Module):
    """A recurrent layer whose recurrent weights have a given gain, and a linear readout.

    The recurrent weights are uniform with standard deviation gain / sqrt(n_hidden), so that the
    spectral radius of each block is about the gain; torch's own start is gain 0.58.
    """

    def __init__(self, kind: str, n_inputs: int, n_hidden: int, n_classes: int, gain: float):
        super().__init__()
        self.rnn = ARCHITECTURES[kind](n_inputs, n_hidden, batch_first=True)
        self.readout = torch.nn.Linear(n_hidden, n_classes)
        bound = gain * math.sqrt(3.0 / n_hidden)
        torch.nn.init.uniform_(self.rnn.weight_hh_l0, -bound, bound)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rnn(x)[0]


class Digits:
    """Images of 8 x 8 pixels, read row by row; the last state tells the digit."""

    n_inputs, n_classes = 8, 10

    def __init__(self) -> None:
        self.data = training.datasets.sequential_digits()
        self.updates_per_epoch = math.ceil(len(self.data.train) / BATCH_SIZE["digits"])
        # Exponents need long input: test images one after another, without a reset between them.
        n_images = SEQUENCE_LENGTH // 8
        rng = np.random.default_rng(0)
        chosen = rng.integers(len(self.data.test), size=(N_SEQUENCES, n_images))
        self.stream = self.data.test[chosen].reshape(N_SEQUENCES, -1, 8)

    def batch(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        index = rng.integers(len(self.data.train), size=BATCH_SIZE["digits"])
        return self._tensors(self.data.train[index], self.data.train_labels[index])

    def validation(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._tensors(self.data.test, self.data.test_labels)

    def loss(self, network: Network, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(network.readout(network(x)[:, -1]), labels)

    @staticmethod
    def _tensors(images: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(images, dtype=torch.float32), torch.tensor(labels)


class Characters:
    """A text of which the next character is predicted; the last fifth is for validation."""

    def __init__(self, path: Path) -> None:
        text = training.datasets.character_text(path)
        self.n_inputs = self.n_classes = len(text.alphabet)
        cut = 4 * len(text) // 5
        needed = N_SEQUENCES * SEQUENCE_LENGTH
        if len(text) - cut <= needed:
            raise SystemExit(f"{path} is too short: {5 * needed + 10:,} characters are needed")
        self.text = text
        self.train = training.datasets.CharacterText(text.alphabet, text.codes[:cut])
        self.test = text.codes[cut:]
        self.updates_per_epoch = math.ceil(cut / (BATCH_SIZE["characters"] * PIECE))
        self.stream = text.one_hot(self.test[:needed].reshape(N_SEQUENCES, -1))

    def batch(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return self._tensors(*self.train.draw(rng, PIECE, BATCH_SIZE["characters"]))

    def validation(self) -> tuple[torch.Tensor, torch.Tensor]:
        n = (len(self.test) - 1) // PIECE
        return self._tensors(
            self.test[: n * PIECE].reshape(n, PIECE), self.test[1 : n * PIECE + 1].reshape(n, PIECE)
        )

    def loss(self, network: Network, x: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
        scores = network.readout(network(x))
        return torch.nn.functional.cross_entropy(scores.flatten(0, 1), following.flatten())

    def _tensors(self, codes: np.ndarray, after: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(self.text.one_hot(codes), dtype=torch.float32), torch.tensor(after)


@dataclass
class Run:
    """One training run: statistics of the spectra and validation losses at the looks."""

    gain: float
    learning_rate: float
    statistics: np.ndarray
    losses: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hidden", type=int, default=32, help="units of the recurrent layer")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=2, help="runs for each gain and learning rate")
    parser.add_argument(
        "--text",
        type=Path,
        default=Path(__file__).parent.parent / "theory" / "complete-search.md",
        help="text of the character task (default: a page of this documentation)",
    )
    parser.add_argument(
        "--statistic", choices=tuple(STATISTICS), default="largest", help="what the picture shows"
    )
    parser.add_argument("--when", choices=tuple(TIMES), default="20 %", help="and at which look")
    parser.add_argument("--quick", action="store_true", help="1 epoch, 1 seed, few networks")
    parser.add_argument("-o", "--out", default="lyapunov_readout.png")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.epochs, arguments.seeds, arguments.hidden = 1, 1, 12
    gains, rates = (GAINS[1::2], LEARNING_RATES[1:]) if arguments.quick else (GAINS, LEARNING_RATES)
    torch.set_num_threads(1)

    tasks = {"digits": Digits(), "characters": Characters(arguments.text)}
    runs: dict[tuple[str, str], list[Run]] = {}
    for task, data in tasks.items():
        for kind in ARCHITECTURES:
            start = time.perf_counter()
            tried = [
                train(data, kind, arguments.hidden, gain, rate, arguments.epochs, seed)
                for gain in gains
                for rate in rates
                for seed in range(arguments.seeds)
            ]
            done = [run for run in tried if run is not None]
            runs[task, kind] = done
            final = [run.losses[-1] for run in done]
            print(
                f"{task}, {kind}: {len(done)} runs in {time.perf_counter() - start:.0f} s "
                f"({len(tried) - len(done)} more not finite), validation loss at the end "
                f"{min(final):.3f} to {max(final):.3f}",
                flush=True,
            )
    print_table(runs)
    draw(arguments.out, runs, arguments.statistic, arguments.when)


def train(
    data: Digits | Characters,
    kind: str,
    n_hidden: int,
    gain: float,
    rate: float,
    n_epochs: int,
    seed: int,
) -> Run | None:
    """Train one network with Adam, without clipping; None where anything is not finite."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network(kind, data.n_inputs, n_hidden, data.n_classes, gain)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    every = max(n_epochs * data.updates_per_epoch // N_LOOKS, 1)
    monitor = training.LyapunovMonitor(
        every=every, inputs=data.stream, to_model=lambda network: network.rnn
    )
    validation = data.validation()
    losses = []
    for update in range(N_LOOKS * every + 1):
        # Called before the first update too, so that the first look is at the start.
        if monitor.step(network) is not None:
            with torch.no_grad():
                losses.append(float(data.loss(network, *validation)))
        if update < N_LOOKS * every:
            loss = data.loss(network, *data.batch(rng))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    if None in monitor.spectra:
        return None
    exponents = monitor.exponents
    statistics = np.column_stack(
        [
            exponents[:, 0],
            np.abs(exponents[:, 0]),
            exponents.mean(axis=1),
            exponents.var(axis=1),
            [spectrum.pooled_entropy_sum for spectrum in monitor.spectra],
        ]
    )
    if not (np.isfinite(statistics).all() and np.isfinite(losses).all()):
        return None
    return Run(gain, rate, statistics, np.array(losses))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return Spearman's coefficient and its p-value; 0 and 1 where one side is constant."""
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return 0.0, 1.0
    result = stats.spearmanr(x, y)
    return float(result.statistic), float(result.pvalue)


def partial_rank_correlation(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> float:
    """Return the correlation of the ranks of x and y that is left once a third is given."""
    xy, xz, yz = (rank_correlation(*pair)[0] for pair in ((x, y), (x, given), (y, given)))
    rest = math.sqrt((1.0 - xz * xz) * (1.0 - yz * yz))
    return (xy - xz * yz) / rest if rest > 0.0 else 0.0


def rank_correlation_within(x: np.ndarray, y: np.ndarray, group: np.ndarray) -> float:
    """Return the correlation of the ranks inside groups, each group with ranks of mean 0."""
    ranks = np.zeros((2, len(x)))
    for value in np.unique(group):
        inside = group == value
        for row, numbers in zip(ranks, (x, y), strict=True):
            row[inside] = stats.rankdata(numbers[inside]) - 0.5 * (inside.sum() + 1)
    size = math.sqrt(float((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float(ranks[0] @ ranks[1]) / size if size > 0.0 else 0.0


def print_table(runs: dict[tuple[str, str], list[Run]]) -> None:
    """Print the rank correlations with the final loss, and of what one knows without exponents."""
    n_tests = len(runs) * len(TIMES) * len(STATISTICS)
    print("Spearman correlations with the validation loss at the end, by the time of the look:")
    print("rho and p (* below 0.05 / " + f"{n_tests}, Bonferroni); r: rho within learning rates;")
    print("l: what is left of rho once the validation loss at the time of the look is given")
    for (task, kind), done in runs.items():
        final = np.array([run.losses[-1] for run in done])
        rates = np.array([run.learning_rate for run in done])
        print(f"\n{task}, {kind}, n = {len(done)}")
        print(" " * 18 + "".join(f"{when:^34}" for when in TIMES))
        for column, name in enumerate(STATISTICS):
            cells = []
            for look in TIMES.values():
                x = np.array([run.statistics[look, column] for run in done])
                known = np.array([run.losses[look] for run in done])
                rho, p = rank_correlation(x, final)
                cell = f"{rho:+.2f}{'*' if p < 0.05 / n_tests else ' '} p={p:.0e}"
                cell += f" r={rank_correlation_within(x, final, rates):+.2f}"
                if look < N_LOOKS:
                    cell += f" l={partial_rank_correlation(x, final, known):+.2f}"
                cells.append(f"{cell:34}")
            print(f"{name:18}" + "".join(cells))
        for name, values in (
            ("gain alone", [run.gain for run in done]),
            ("learning rate", [run.learning_rate for run in done]),
            ("loss at 20 %", [run.losses[TIMES["20 %"]] for run in done]),
        ):
            x = np.array(values)
            rho, p = rank_correlation(x, final)
            within = rank_correlation_within(x, final, rates)
            print(f"{name:18}{rho:+.2f}  p={p:.0e} r={within:+.2f}")
        best = sorted(done, key=lambda run: run.losses[-1])[: max(len(done) // 10, 1)]
        for when, look in TIMES.items():
            largest = [run.statistics[look, 0] for run in best]
            print(
                f"largest exponent of the best {len(best)} runs, {when}: {np.median(largest):+.3f} "
                f"({min(largest):+.3f} to {max(largest):+.3f})"
            )


def draw(path: str, runs: dict[tuple[str, str], list[Run]], statistic: str, when: str) -> None:
    """Draw the final loss against a statistic of the spectrum, a panel for each task and kind."""
    column = tuple(STATISTICS).index(statistic)
    tasks = list(dict.fromkeys(task for task, _ in runs))
    figure, axes = plt.subplots(
        len(tasks), len(ARCHITECTURES), figsize=(9.5, 5.6), sharey="row", constrained_layout=True
    )
    norm = LogNorm(GAINS[0], GAINS[-1])
    for row, task in zip(axes, tasks, strict=True):
        for axis, kind in zip(row, ARCHITECTURES, strict=True):
            done = runs[task, kind]
            for rate, marker in zip(LEARNING_RATES, MARKERS, strict=True):
                part = [run for run in done if run.learning_rate == rate]
                points = axis.scatter(
                    [run.statistics[TIMES[when], column] for run in part],
                    [run.losses[-1] for run in part],
                    c=[run.gain for run in part],
                    norm=norm,
                    cmap="viridis",
                    marker=marker,
                    s=26,
                    edgecolors="white",
                    linewidths=0.4,
                )
            x = np.array([run.statistics[TIMES[when], column] for run in done])
            final = np.array([run.losses[-1] for run in done])
            rates = np.array([run.learning_rate for run in done])
            rho, _ = rank_correlation(x, final)
            within = rank_correlation_within(x, final, rates)
            numbers = f"$\\rho$ = {rho:+.2f}, within rates {within:+.2f}, n = {len(done)}"
            axis.set_title(f"{kind}, {task}\n{numbers}", fontsize=9)
            if statistic != "variance":
                axis.axvline(0.0, color="0.6", lw=0.8, zorder=0)
            if task == "digits":
                axis.set_yscale("log")
        row[0].set_ylabel(f"final validation loss, {task}")
    for rate, marker in zip(LEARNING_RATES, MARKERS, strict=True):
        axes[0, 0].plot([], [], marker, color="0.4", ms=5, label=f"rate {rate:g}")
    axes[0, 0].legend(frameon=False, fontsize=7)
    figure.supxlabel(f"{STATISTICS[statistic]}, {when} of training", fontsize=10)
    bar = figure.colorbar(points, ax=axes, shrink=0.6, label="initial gain")
    bar.set_ticks(list(GAINS), labels=[f"{gain:g}" for gain in GAINS])
    bar.minorticks_off()
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
