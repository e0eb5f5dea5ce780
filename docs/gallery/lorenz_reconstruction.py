"""Reconstruct the Lorenz system from data, and compare what the network has learned with the truth
================================================================================================

A shallow PLRNN with 3 states and 50 hidden units is trained with generalised teacher forcing on one
half of a simulated series. Compared with the other half, and with the equations themselves: the
geometry of the attractor, power spectra, Lyapunov exponents and fixed points.

::

    python docs/gallery/lorenz_reconstruction.py [--quick] [--updates 15000] [-o lorenz.png]

It takes about 3 minutes on one core. Quick networks are trained for seconds only, and are poor.

.. figure:: /images/lorenz_reconstruction.png
   :alt: what the full run drew

   The full run (stored picture). What a shorter run draws is below.
"""

import argparse
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

import rnndyn as rd
from rnndyn import training

#: Lyapunov exponents of the Lorenz system per time unit (J. C. Sprott, "Chaos and Time-Series
#: Analysis", Oxford University Press 2003).
TRUE_EXPONENTS = (0.9056, 0.0, -14.5723)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--updates", type=int, default=15_000)
    parser.add_argument("--alpha", type=float, default=0.125)
    parser.add_argument("--units", type=int, default=50)
    parser.add_argument("--length", type=int, default=100, help="of sequences")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--points", type=int, default=100_000, help="of the series")
    parser.add_argument("--quick", action="store_true", help="1,000 short updates, 25 units")
    parser.add_argument("-o", "--out", default="lorenz_reconstruction.png")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.updates, arguments.length = 1000, 30
        arguments.units, arguments.points = 25, 20_000
    torch.set_num_threads(1)

    series = training.datasets.lorenz63(arguments.points, seed=arguments.seed)
    half = len(series) // 2
    train, test = series.x[:half], series.x[half:]
    module = training.TrainableShallowPLRNN(3, arguments.units, seed=arguments.seed)
    trainer = training.Trainer(
        module,
        train,
        forcing=arguments.alpha,
        sequence_length=arguments.length,
        batch_size=16,
        learning_rate=training.exponential_decay(5e-3, 1e-5, arguments.updates),
        max_gradient_norm=10.0,
        seed=arguments.seed,
    )
    start = time.perf_counter()
    history = trainer.fit(arguments.updates)
    print(f"{arguments.updates:,} updates in {time.perf_counter() - start:.0f} s,", end=" ")
    print(f"loss {history.losses[:100].mean():.3g} -> {history.losses[-100:].mean():.3g}")

    generated = training.generate(module, test[0], half - 1)
    divergence = training.state_space_divergence(test, generated)
    spectra = training.power_spectrum_distance(test, generated)
    print(f"D_stsp = {divergence:.3f}, D_H = {spectra:.3f}")
    errors = training.prediction_error(module, test, 100)
    print(f"prediction error after 1 / 20 / 100 steps: {errors[[0, 19, 99]]}")

    model = module.to_model()
    spectrum = rd.lyapunov_spectrum(model, z0=test[0], n_steps=2 * len(series), dt=series.dt)
    print("Lyapunov exponents per time unit:", spectrum.exponents.ravel().round(4))
    print("                 standard errors:", spectrum.standard_error.ravel().round(4))
    print("              the Lorenz system's:", np.array(TRUE_EXPONENTS))

    cycles = rd.find_fixed_points(model, method="complete")
    root = np.sqrt(series.parameters["beta"] * (series.parameters["rho"] - 1.0))
    height = series.parameters["rho"] - 1.0
    true = np.array([[0.0, 0.0, 0.0], [root, root, height], [-root, -root, height]])
    found = np.array([cycle.points[0] for cycle in cycles]) * series.scale + series.offset
    print(f"{len(cycles)} fixed points of the network; nearest to those of the Lorenz system:")
    for point in true:
        index = int(np.argmin(np.linalg.norm(found - point, axis=1)))
        print(
            f"  {point.round(3)}: {found[index].round(3)}, "
            f"distance {np.linalg.norm(found[index] - point):.3g}, {cycles[index].stability}, "
            f"multipliers {np.round(cycles[index].multipliers, 4)}, "
            f"true {np.round(true_multipliers(series, point), 4)}"
        )
    draw(arguments.out, series, test, generated, found, true, history, spectra)


def true_multipliers(series: training.datasets.TimeSeries, point: np.ndarray) -> np.ndarray:
    """Multipliers of a fixed point of the flow over one time step of the data."""
    x, y, z = point
    sigma, rho, beta = (series.parameters[name] for name in ("sigma", "rho", "beta"))
    jacobian = np.array([[-sigma, sigma, 0.0], [rho - z, -1.0, -x], [y, x, -beta]])
    return np.exp(series.dt * np.linalg.eigvals(jacobian))


def draw(path, series, test, generated, found, true, history, spectra) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), constrained_layout=True)
    for data, color, label in ((test, "0.6", "Lorenz"), (generated, "#0072B2", "network")):
        x, _, z = (data[:8000] * series.scale + series.offset).T
        axes[0].plot(x, z, lw=0.4, color=color, label=label)
    axes[0].plot(true[:, 0], true[:, 2], "o", mfc="none", mec="k", ms=10, label="true fixed points")
    axes[0].plot(found[:, 0], found[:, 2], "x", color="#D55E00", ms=6, label="of the network")
    axes[0].set(xlabel="x", ylabel="z", title="attractor and fixed points")
    axes[0].set_xlim(-25, 25)
    axes[0].set_ylim(-5, 55)
    axes[0].legend(fontsize=7)
    frequencies = np.fft.rfftfreq(len(test), series.dt)
    for data, color in ((test, "0.6"), (generated, "#0072B2")):
        power = np.abs(np.fft.rfft(data[:, 2] - data[:, 2].mean())) ** 2
        smooth = np.convolve(power, np.ones(41) / 41.0, mode="same")
        axes[1].semilogy(frequencies, smooth / smooth.sum(), color=color, lw=0.8)
    axes[1].set(xlim=(0, 8), xlabel="frequency", title=f"power spectrum of z, D_H = {spectra:.3f}")
    losses = (
        history.losses.reshape(-1, 100).mean(axis=1)
        if len(history.losses) % 100 == 0
        else (history.losses)
    )
    axes[2].semilogy(np.linspace(0, len(history.losses), len(losses)), losses, color="#0072B2")
    axes[2].set(xlabel="update", title="loss")
    axes[2].locator_params(axis="x", nbins=4)
    figure.savefig(path, dpi=150)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
