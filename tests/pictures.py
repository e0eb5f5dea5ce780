"""Every figure of the package as a small picture: what the image tests draw and compare.

``python tests/pictures.py`` draws the baselines again, into tests/plot/baseline.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import rnndyn as rd
from basin_cases import bistable, with_saddle

mpl.use("Agg")

from matplotlib import pyplot

BASELINE = Path(__file__).parent / "plot" / "baseline"
#: Rendering of text and lines changes a little with the versions of matplotlib.
VERSION_FILE = BASELINE / "matplotlib_version.txt"
#: Of a chaotic map, whose orbits depend on rounding, and so on the processor.
SPECTRUM = BASELINE / "lozi_spectrum.npz"
DPI = 60


def drawn_with() -> str:
    """Return the minor version of matplotlib, such as 3.10."""
    return ".".join(mpl.__version__.split(".")[:2])


@contextmanager
def plain_style() -> Iterator[None]:
    """Draw by matplotlib's own defaults, with the fonts that come with it."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "font.family": "DejaVu Sans",
                "mathtext.fontset": "dejavusans",
                "text.hinting": "none",
                "savefig.dpi": DPI,
                "figure.dpi": DPI,
            }
        )
        yield


def _lozi() -> rd.PLRNN:
    return rd.PLRNN(A=[[1.7, 1.0], [0.5, 0.0]], W=[[-3.4, 0.0], [0.0, 0.0]], h=[1.0, 0.0])


def _flip(weight: float) -> rd.PLRNN:
    return rd.PLRNN([[0.5]], [[weight]], [1.0])


def _state_space() -> Any:
    cycles = rd.find_cycles(rd.examples.load("plrnn_2d_16"), max_order=16, progress=False)
    return rd.plot.state_space(cycles, orbits=[[0.1, 0.1]], n_steps=200)


def _state_space_chaotic() -> Any:
    cycles = rd.find_cycles(_lozi(), max_order=3, progress=False)
    # Short orbits: after long ones rounding would decide where the points are.
    starts = np.column_stack([np.linspace(-0.5, 0.5, 40), np.full(40, 0.1)])
    return rd.plot.state_space(cycles, orbits=starts, n_steps=25)


def _state_space_components() -> Any:
    cycles = rd.find_cycles(rd.examples.load("plrnn-10d"), max_order=10, seed=0, progress=False)
    return rd.plot.state_space(cycles, orbits=0)


def _state_space_by_input() -> Any:
    network = rd.RNN([[1.0, 0.0], [0.0, 1.0]], [[1.6, 0.3], [-0.3, 1.6]])
    found = rd.find_fixed_points(network, [[0.0, 0.0], [0.2, 0.0], [0.6, 0.3]])
    return rd.plot.state_space(found, orbits=[[0.1, 0.2], [-0.2, -0.1]], n_steps=30)


def _slow_points() -> Any:
    network = rd.RNN(None, 1.0002 * np.full((2, 2), 0.5), None, [1e-3, 1e-3])
    starts = [[-0.5, 0.4], [0.3, -0.4], [0.0, 0.5]]
    slow, fixed = rd.find_slow_points(network), rd.find_fixed_points(network)
    return rd.plot.slow_points(slow, cycles=fixed, orbits=starts, n_steps=60)


def _cobweb() -> Any:
    tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    return rd.plot.state_space(rd.find_cycles(tent, max_order=3, progress=False))


def _multipliers() -> Any:
    cycles = rd.find_cycles(rd.examples.load("plrnn_2d_16"), max_order=16, progress=False)
    return rd.plot.multipliers(cycles)


def _multipliers_logarithmic() -> Any:
    return rd.plot.multipliers(rd.find_cycles(_lozi(), orders=[6, 12], progress=False))


def _basins() -> Any:
    cycles = rd.find_cycles(with_saddle(np.array([[1.0, 0.5], [-0.3, 1.0]])), max_order=1)
    return rd.plot.basins(rd.basins(cycles, resolution=80))


def _basins_of_one_state() -> Any:
    return rd.plot.basins(rd.basins(bistable(0.2), np.linspace(-3.5, 3.5, 200)))


def _basins_of_many() -> Any:
    # Nine fixed points in a chequerboard of copies of a bistable map, and orbits that escape.
    return rd.plot.basins(_chequerboard())


def _basin_fractions() -> Any:
    # Of two basins and what is beyond them; few states, so that the intervals are seen.
    cycles = rd.find_cycles(staircase(), max_order=1)
    return rd.plot.basin_fractions(rd.basin_fractions(cycles, 5.0, n=200))


def _region_graph() -> Any:
    network = rd.examples.load("plrnn_2d_16")
    orbit = network.orbit([0.1, 0.1], 60)
    return rd.plot.region_graph(rd.region_graph(network, orbit, box=5.0))


def _region_matrix() -> Any:
    network = rd.examples.load("plrnn-10d")
    # They settle on a stable cycle, so that rounding does not matter.
    orbits = network.orbit(np.random.default_rng(0).normal(size=(5, 10)), 100)
    return rd.plot.region_graph(rd.region_graph(network, orbits), kind="matrix")


def _state_space_in_space() -> Any:
    cycles = rd.find_cycles(rd.examples.load("plrnn-10d"), max_order=10, seed=0, progress=False)
    return rd.plot.state_space(cycles, dims=(0, 3, 5), orbits=0)


def _manifold() -> Any:
    saddle = rd.find_cycles(_lozi(), max_order=1).saddles[0]
    return rd.plot.manifold(rd.manifold(saddle, "unstable", depth=7))


def _manifold_in_space() -> Any:
    # Orbits turn around the axis between two attractors.
    model = rd.PiecewiseLinearMap(
        A=[[0.5, 0.0, 0.0], [0.1, 0.6, -0.3], [0.0, 0.3, 0.6]],
        W1=[[1.0, -1.0], [0.0, 0.0], [0.0, 0.2]],
        W2=[[1.0, 0.4, 0.2], [1.0, 0.4, 0.2]],
        h1=[-1.0, 0.0, 0.0],
        h2=[1.0, -1.0],
    )
    saddle = rd.find_cycles(model, max_order=1).saddles[0]
    return rd.plot.manifold(rd.manifold(saddle, depth=6))


def _connections() -> Any:
    cycles = rd.find_cycles(_lozi(), max_order=2)
    return rd.plot.connections(rd.homoclinic_points(cycles, depth=5))


def _horseshoe() -> Any:
    return rd.plot.horseshoe(rd.prove_chaos(rd.find_cycles(_lozi(), max_order=6)))


def _basin_boundary() -> Any:
    cycles = rd.find_cycles(with_saddle(np.array([[1.0, 0.5], [-0.3, 1.0]])), max_order=1)
    return rd.plot.basin_boundary(
        rd.basin_boundary(cycles), basins=rd.basins(cycles, resolution=80)
    )


def _chequerboard() -> rd.Basins:
    one = staircase()
    both = rd.PiecewiseLinearMap(
        A=np.diag([one.parameters["A"][0, 0]] * 2),
        W1=np.kron(np.eye(2), one.parameters["W1"]),
        W2=np.kron(np.eye(2), one.parameters["W2"]),
        h1=np.repeat(one.parameters["h1"], 2),
        h2=np.tile(one.parameters["h2"], 2),
    )
    side = np.linspace(-4.0, 4.0, 80)
    return rd.basins(both, side, side, dims=(0, 1))


def staircase() -> rd.PiecewiseLinearMap:
    """Return an odd map of the line with stable fixed points at -3, 0 and 3; far out it escapes."""
    borders = np.array([-3.5, -2.5, -0.5, 0.5, 2.5, 3.5])
    slopes = np.array([3.0, 0.5, 1.25, 0.5, 1.25, 0.5, 3.0])
    changes = np.diff(slopes)
    # 3 x + sum changes relu(x - border) + h1, odd around 0.
    offset = -float(changes @ np.maximum(-borders, 0.0))
    return rd.PiecewiseLinearMap(
        A=[[3.0]],
        W1=[changes],
        W2=np.ones((len(borders), 1)),
        h1=[offset],
        h2=-borders,
    )


def _bifurcation_diagram() -> Any:
    result = rd.bifurcation_diagram(_flip(-1.0), "W[0,0]", (-0.5, -2.5), max_order=4)
    return rd.plot.bifurcation_diagram(result)


def _training_timeline() -> Any:
    weights = (-1.0, -1.1, -1.2, -1.3, -1.7, -1.8)
    timeline = rd.training_timeline(
        [_flip(weight) for weight in weights],
        losses=[5.0, 4.9, 4.81, 4.7, 1.0, 0.95],
        epochs=[0, 10, 20, 30, 40, 50],
        progress=False,
    )
    return rd.plot.training_timeline(timeline)


def _stability_diagram() -> Any:
    diagram = rd.stability_diagram(
        _flip(-1.0),
        ("W[0,0]", np.linspace(-4.0, 0.4, 30)),
        ("A[0,0]", np.linspace(0.0, 0.95, 30)),
        max_order=4,
        progress=False,
    )
    return rd.plot.stability_diagram(diagram)


def _scan_curve() -> Any:
    values = np.linspace(0.0, 1.1, 45)
    result = rd.scan(_flip(0.0), ("A[0,0]", values), n_steps=500, progress=False)
    return rd.plot.scan(result)


def _scan_map() -> Any:
    result = rd.scan(
        _flip(0.0),
        ("A[0,0]", np.linspace(-1.0, 1.0, 21)),
        ("h[0]", np.linspace(1.0, 2.0, 11)),
        measures={"signed": _signed},
        progress=False,
    )
    return rd.plot.scan(result)


def _signed(model: Any) -> float:
    value = float(model.get_parameter("A[0,0]"))
    if value > 0.75:
        raise ValueError("no value here")
    return value * float(model.get_parameter("h[0]"))


def _spectrum() -> rd.LyapunovSpectrum:
    return rd.LyapunovSpectrum.load(SPECTRUM)


def _lyapunov() -> Any:
    return rd.plot.lyapunov(_spectrum())


def _lyapunov_convergence() -> Any:
    return rd.plot.lyapunov_convergence(_spectrum())


def _finite_time_exponents() -> Any:
    return rd.plot.finite_time_exponents(_spectrum())


#: By the name of their baseline; each returns axes, or several.
PICTURES: dict[str, Callable[[], Any]] = {
    "state_space": _state_space,
    "state_space_chaotic": _state_space_chaotic,
    "state_space_components": _state_space_components,
    "state_space_by_input": _state_space_by_input,
    "state_space_in_space": _state_space_in_space,
    "slow_points": _slow_points,
    "cobweb": _cobweb,
    "multipliers": _multipliers,
    "multipliers_logarithmic": _multipliers_logarithmic,
    "basins": _basins,
    "basins_of_one_state": _basins_of_one_state,
    "basins_of_many": _basins_of_many,
    "basin_fractions": _basin_fractions,
    "basin_boundary": _basin_boundary,
    "connections": _connections,
    "horseshoe": _horseshoe,
    "region_graph": _region_graph,
    "region_matrix": _region_matrix,
    "manifold": _manifold,
    "manifold_in_space": _manifold_in_space,
    "bifurcation_diagram": _bifurcation_diagram,
    "training_timeline": _training_timeline,
    "stability_diagram": _stability_diagram,
    "scan_curve": _scan_curve,
    "scan_map": _scan_map,
    "lyapunov": _lyapunov,
    "lyapunov_convergence": _lyapunov_convergence,
    "finite_time_exponents": _finite_time_exponents,
}


def draw(name: str, path: Path, dpi: int = DPI) -> None:
    """Draw a picture into a file."""
    with plain_style():
        axes = PICTURES[name]()
        figure = (axes[0] if isinstance(axes, tuple) else axes).figure
        # No version or date in the file: the same picture is the same bytes.
        figure.savefig(path, dpi=dpi, metadata={"Software": None})
        pyplot.close(figure)


def main() -> None:
    """Draw all baselines again."""
    BASELINE.mkdir(exist_ok=True)
    if not SPECTRUM.exists():
        starts = [[0.1, 0.1], [0.2, 0.1]]
        rd.lyapunov_spectrum(_lozi(), z0=starts, n_steps=2000, progress=False).save(SPECTRUM)
    for name in PICTURES:
        draw(name, BASELINE / f"{name}.png")
    VERSION_FILE.write_text(drawn_with() + "\n", encoding="utf-8")
    print(f"{len(PICTURES)} pictures in {BASELINE}, drawn with matplotlib {drawn_with()}")


if __name__ == "__main__":
    main()
