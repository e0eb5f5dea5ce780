"""``python -m bench <name> [--quick]``."""

import os
import sys
from pathlib import Path

# Before NumPy loads its BLAS: both sides are measured on one thread of linear algebra, and the
# package's own threads are asked for explicitly.
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

ROOT = Path(__file__).resolve().parent.parent
# The ground truth and the random networks are those of the tests.
sys.path.insert(0, str(ROOT / "tests"))


def main() -> None:
    import argparse
    import importlib

    names = {
        "basins": "basins of attraction in a plane against stepping all orbits at once in NumPy",
        "manifolds": "boundaries of basins as exact pieces, against sampling points of manifolds",
        "search": "time and number of solves against Algorithm 1 in NumPy",
        "scaling": "the published scaling figure: regions visited until the cycles are found",
        "complete": "proving that no cycle is missing, against mixed-integer programming",
        "coverage": "how often the coverage statements of a random search hold",
        "lyapunov": "Lyapunov spectra of recurrent networks against torch and NumPy",
        "smooth": "fixed points of tanh, GRU and LSTM networks against minimising the speed",
        "low_rank": "fixed points of low-rank networks against listing the cells of their borders",
        "bifurcation": "exact bifurcations between networks against comparing cycles on a grid",
        "training_monitors": "what watching bifurcations and exponents costs during training",
        "training_run": "bifurcations over a training run, against a search at every checkpoint",
        "stability": "the plane around a published network, against a search of every point",
        "versions": "every row of this version against another, measured in turns",
        "truth": "find_cycles against lists of all itineraries, and every test that draws, in full",
    }
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, allow_abbrev=False
    )
    subparsers = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    modules = {}
    for name, text in names.items():
        subparser = subparsers.add_parser(name, help=text, description=text, allow_abbrev=False)
        subparser.add_argument("--quick", action="store_true", help="a few rows in about a minute")
        modules[name] = importlib.import_module(f"bench.{name}")
        modules[name].add_arguments(subparser)
    arguments = parser.parse_args()
    modules[arguments.name].run(arguments)


main()
