"""The systems of the benchmarks, and the baseline set up on each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import rnndyn as rd
from bench import package
from bench.baselines.scyfi_numpy import Scyfi


@dataclass(frozen=True)
class System:
    """A network with a known number of cycles of one order."""

    name: str
    model: Any
    order: int
    n_cycles: int


def lozi(a: float = 1.7, b: float = 0.5) -> Any:
    """The Lozi map x' = 1 - a |x| + y, y' = b x as a PLRNN, with |x| = 2 relu(x) - x."""
    return rd.PLRNN(A=[[a, 1.0], [b, 0.0]], W=[[-2.0 * a, 0.0], [0.0, 0.0]], h=[1.0, 0.0])


#: Primitive cycles of the Lozi map at a = 1.7, b = 0.5, by listing all itineraries.
LOZI_COUNTS = {8: 7, 9: 10, 10: 12, 11: 18, 12: 32, 13: 56, 14: 78}


def lozi_systems() -> list[System]:
    return [System(f"Lozi, k={k}", lozi(), k, count) for k, count in LOZI_COUNTS.items()]


def published_systems() -> list[System]:
    """The bundled networks with the number of cycles at the order their source names."""
    return [
        System(name, rd.examples.load(name), info.order, info.expected_cycles)
        for name in rd.examples.names()
        if isinstance(info := rd.examples.info(name), rd.examples.PublishedSystem)
    ]


def random_plrnn(n_states: int, gain: float, seed: int) -> Any:
    """A PLRNN with A uniform in [-0.9, 0.9], Gaussian W of the given spectral size, Gaussian h."""
    rng = np.random.default_rng([seed, n_states])
    A = rng.uniform(-0.9, 0.9, n_states)
    W = gain * rng.normal(size=(n_states, n_states)) / np.sqrt(n_states)
    return rd.PLRNN(A, W, rng.normal(size=n_states))


def random_alrnn(n_states: int, n_relus: int, seed: int) -> Any:
    """An ALRNN with A uniform in [0.2, 0.9] and Gaussian W of spectral size 0.5."""
    rng = np.random.default_rng([seed, n_states, n_relus])
    A = rng.uniform(0.2, 0.9, n_states)
    W = 0.5 * rng.normal(size=(n_states, n_states)) / np.sqrt(n_states)
    return rd.ALRNN(A, W, 0.5 * rng.normal(size=n_states), n_relus)


def random_shallow_plrnn(n_states: int, n_hidden: int, seed: int, gain: float = 1.0) -> Any:
    """A ShallowPLRNN with A uniform in [0.2, 0.9] and Gaussian weights, one per hidden unit."""
    rng = np.random.default_rng([seed, n_states, n_hidden])
    A = rng.uniform(0.2, 0.9, n_states)
    W1 = gain * rng.normal(size=(n_states, n_hidden)) / np.sqrt(n_hidden)
    W2 = rng.normal(size=(n_hidden, n_states)) / np.sqrt(n_states)
    h1, h2 = 0.3 * rng.normal(size=n_states), rng.normal(size=n_hidden)
    return rd.ShallowPLRNN(A, W1, W2, h1, h2)


def lorenz63_shallow_plrnn() -> Any:
    """The ShallowPLRNN with 3 states and 50 units that the gallery trains on the Lorenz system.

    ``docs/gallery/lorenz_reconstruction.py`` with its default options makes it in 3 minutes; the
    data lie in |z_0| <= 2.40, |z_1| <= 2.91, |z_2| <= 2.71.
    """
    with np.load(Path(__file__).parent / "lorenz63_m3_h50.npz") as arrays:
        return rd.ShallowPLRNN(*(arrays[name] for name in ("A", "W1", "W2", "h1", "h2")))


def random_systems_with_several_cycles(count: int) -> list[System]:
    """Random networks that have at least three cycles of one order.

    Their number is the most that five thorough searches with different seeds find.
    """
    shapes = [(4, 3), (5, 3), (6, 2), (8, 2), (10, 1), (12, 1), (16, 1), (3, 6), (6, 4), (10, 3)]
    systems: list[System] = []
    seed = 0
    while len(systems) < count:
        n_states, order = shapes[len(systems) % len(shapes)]
        model = random_plrnn(n_states, gain=3.0, seed=seed)
        seed += 1
        if package.search(model, order, seed=seed).n_cycles < 3:
            continue
        n_cycles = package.most_cycles(model, order, seeds=range(5))
        systems.append(
            System(f"random {seed - 1}, M={n_states}, k={order}", model, order, n_cycles)
        )
    return systems


def baseline(model: Any, seed: int) -> Scyfi:
    """Algorithm 1 in NumPy on the same map."""
    canonical = model.canonical
    return Scyfi(
        np.array(canonical.A),
        np.array(canonical.W1),
        np.array(canonical.W2),
        np.array(canonical.h1),
        np.array(canonical.h2),
        seed=seed,
        draw_from_states=isinstance(model, rd.ShallowPLRNN),
    )
