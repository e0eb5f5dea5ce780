"""A trained network is chaotic: a proof, and how much entropy it has at least
===========================================================================

How high the next maximum of the Lorenz system's third variable is depends nearly on the last one
alone (Lorenz 1963). A shallow PLRNN with two states and 16 hidden units learns this map from the
series of maxima, and runs freely afterwards. Its orbit looks chaotic and a Lyapunov exponent is
positive, but a long transient to a cycle would look the same. Here it is proved: words of linear
regions along its unstable cycles stretch a small parallelogram across itself, all of which is
checked in exact arithmetic.

::

    python docs/gallery/proof_of_chaos.py [--quick] [--series lorenz63.npy] [-o proof_of_chaos.png]

It takes half a minute on one free core, most of it for the series and the training. The weights of
the network that the full run trains are bundled: `rnndyn.examples.lorenz_maxima`.

.. figure:: /images/proof_of_chaos.png
   :alt: what the full run drew

   The full run (stored picture). What a shorter run draws is below.

What came out of the full run:

- The network follows the data but for the tip of the map, which 16 units round off, so that its
  orbit covers less than the data do (panel a). Its Lyapunov exponent is 0.656 per step, estimated;
  that of the Lorenz system is 0.68 (0.906 per time unit, 0.75 of which pass between maxima).
- From its 200 cycles up to order 10 follows a proof with nine words of two to nine regions: all
  sequences of them are followed by orbits. The parallelogram N (panel b in its own coordinates,
  orange in panel a) is crossed by nine strips, each of which is stretched across all of N and
  squeezed to a thin band.
- The topological entropy is at least 0.461 per step; with the 8 cycles up to order 4 it is at least
  0.382 (panel c). The true entropy is at least the metric one, of which the exponent is an
  estimate; one N sees what comes back to it only, and in the steps of the words only.
- The search for the proof takes 1.6 s, the check in fractions 0.03 s (processor time).
- The networks of five other seeds, trained in a similar way, have proofs as well.
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

import rnndyn as rd
from rnndyn import training

#: Orders up to which cycles are searched.
ORDERS = (4, 6, 8, 10)
INK, BLUE, ORANGE, VERMILLION = "#222222", "#0072B2", "#E69F00", "#D55E00"


def maxima_of(series: np.ndarray) -> np.ndarray:
    """Return pairs of a maximum and the one before, standardised, from a sampled variable."""
    before, middle, after = series[:-2], series[1:-1], series[2:]
    (peaks,) = np.nonzero((middle > before) & (middle >= after))
    before, middle, after = before[peaks], middle[peaks], after[peaks]
    # The vertex of the parabola through three samples.
    heights = middle + (after - before) ** 2 / (8.0 * (2.0 * middle - before - after))
    heights = (heights - heights.mean()) / heights.std()
    return np.stack([heights[1:], heights[:-1]], axis=1)


def train(maxima: np.ndarray, n_updates: int, n_units: int, seed: int) -> rd.ShallowPLRNN:
    """Train with generalised teacher forcing, and return the network with rounded weights."""
    module = training.TrainableShallowPLRNN(2, n_units, seed=seed)
    trainer = training.Trainer(
        module,
        maxima,
        forcing=0.9,
        sequence_length=3,
        batch_size=32,
        learning_rate=training.exponential_decay(3e-2, 1e-5, n_updates),
        max_gradient_norm=10.0,
        seed=seed,
    )
    history = trainer.fit(n_updates, progress=False)
    print(f"loss {history.losses[:50].mean():.3g} -> {history.losses[-50:].mean():.3g}")
    # Four digits are enough for the network, and short enough to be printed.
    model = module.to_model()
    return rd.ShallowPLRNN(
        **{name: np.asarray(values).round(4) for name, values in model.parameters.items()}
    )


def draw(
    path: str,
    maxima: np.ndarray,
    orbit: np.ndarray,
    proof: rd.ChaosCertificate | None,
    bounds: dict[int, float],
    spectrum: rd.LyapunovSpectrum,
) -> None:
    """Draw the data with the orbit and the proof, and the bounds against the exponent."""
    figure, (plane, shoe, entropy) = plt.subplots(1, 3, figsize=(12.6, 4.2), layout="constrained")
    plane.plot(maxima[:, 1], maxima[:, 0], ".", color="#9AA5B1", markersize=5.0, label="data")
    plane.plot(orbit[:, 1], orbit[:, 0], ".", color=BLUE, markersize=1.2, label="network, free")
    if proof is not None:
        sides = np.concatenate(
            [
                proof.half_expanding[:, np.newaxis] * proof.expanding,
                proof.half_contracting[:, np.newaxis] * proof.contracting,
            ]
        )
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
        corners = proof.center + signs @ sides
        plane.plot(corners[:, 1], corners[:, 0], color=VERMILLION, linewidth=1.6, label="N")
        rd.plot.horseshoe(proof, shoe)
    else:
        shoe.text(0.5, 0.5, "no proof found", ha="center", transform=shoe.transAxes)
    plane.set_xlabel("maximum")
    plane.set_ylabel("next maximum")
    plane.legend(fontsize=8, frameon=False, markerscale=2.0)
    plane.set_title("a  the map of maxima", fontsize=9, loc="left")
    shoe.set_title("b  N: strips (filled) and their images (hatched)", fontsize=9, loc="left")
    exponent, error = float(spectrum.exponents[0, 0]), float(spectrum.standard_error[0, 0])
    entropy.axhspan(exponent - 2 * error, exponent + 2 * error, color="#C9CED4")
    entropy.axhline(exponent, color=INK, linewidth=1.0, label="Lyapunov exponent, estimated")
    entropy.plot(list(bounds), list(bounds.values()), "o-", color=ORANGE, label="entropy, proved")
    entropy.set_xlabel("cycles of orders up to")
    entropy.set_ylabel("per step")
    entropy.set_ylim(0.0, 0.75)
    entropy.legend(fontsize=8, frameon=False, loc="lower right")
    entropy.set_title("c  what is proved", fontsize=9, loc="left")
    for axes in (plane, entropy):
        axes.tick_params(labelsize=8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=150)
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--series", help="a series (T, 3) of the Lorenz system; default: simulated")
    parser.add_argument("--updates", type=int, default=6000)
    parser.add_argument("--units", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a shorter series, fewer updates")
    parser.add_argument("-o", "--out", default="proof_of_chaos.png")
    arguments = parser.parse_args()
    n_points, orders = 100_000, ORDERS
    if arguments.quick:
        arguments.updates, n_points, orders = 2500, 30_000, ORDERS[:3]
    torch.set_num_threads(1)

    series = (
        np.load(arguments.series)
        if arguments.series
        else training.datasets.lorenz63(n_points, seed=0).x
    )
    maxima = maxima_of(series[:, 2])
    start = time.perf_counter()
    model = train(maxima, arguments.updates, arguments.units, arguments.seed)
    print(f"trained on {len(maxima):,} maxima in {time.perf_counter() - start:.0f} s")
    orbit = model.orbit(maxima[0], 3000)[100:]
    spectrum = rd.lyapunov_spectrum(model, z0=maxima[0], n_steps=100_000, progress=False)
    print("Lyapunov exponents", spectrum.exponents.ravel().round(4))

    # %%
    # A proof from the cycles up to some orders; the more cycles, the more entropy.
    proof, bounds = None, {}
    for order in orders:
        cycles = rd.find_cycles(model, max_order=order, method="search", progress=False)
        start = time.perf_counter()
        found = rd.prove_chaos(cycles)
        seconds = time.perf_counter() - start
        proof = found or proof
        bounds[order] = found.entropy if found else 0.0
        what = found.summary()[0] if found else "no proof found"
        print(f"{len(cycles)} cycles up to order {order}: {what}; {seconds:.2f} s")

    # %%
    # Nobody has to believe the search: the file is checked in exact arithmetic by other code, as
    # ``rnndyn verify proof.npz network.npz`` does in a shell.
    if proof is not None:
        file = Path(arguments.out).with_suffix(".npz")
        proof.save(file)
        start = time.perf_counter()
        verdict = rd.load_result(file).verify(model)
        print(f"verified: {verdict.confirmed}, {time.perf_counter() - start:.2f} s")
    draw(arguments.out, maxima, orbit, proof, bounds, spectrum)


if __name__ == "__main__":
    main()
