"""What a figure can be drawn of, and what to do with anything else."""

from typing import Any

from rnndyn.models import Model

#: Of each kind of result the functions that return it and the figures of it. By name, because a
#: figure of one kind needs no other.
_KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CycleSet": ("find_cycles", ("state_space", "multipliers")),
    "CyclesByInput": ("find_fixed_points with several inputs", ("state_space",)),
    "SlowPointSet": ("find_slow_points", ("slow_points",)),
    "Basins": ("basins", ("basins",)),
    "BasinFractions": ("basin_fractions", ("basin_fractions",)),
    "BasinBoundary": ("basin_boundary", ("basin_boundary",)),
    "Manifold": ("manifold", ("manifold",)),
    "HomoclinicPoints": ("homoclinic_points", ("connections",)),
    "ChaosCertificate": ("prove_chaos", ("horseshoe",)),
    "RegionGraph": ("region_graph", ("region_graph",)),
    "BranchSet": ("bifurcation_diagram or continue_cycles", ("bifurcation_diagram",)),
    "Timeline": ("training_timeline", ("training_timeline",)),
    "StabilityDiagram": ("stability_diagram", ("stability_diagram",)),
    "Scan": ("scan", ("scan",)),
    "LyapunovSpectrum": (
        "lyapunov_spectrum",
        ("lyapunov", "lyapunov_convergence", "finite_time_exponents"),
    ),
}


def check_result(name: str, value: Any, *kinds: type) -> None:
    """Refuse what is no result of one of these kinds, and say which figure would do for it.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        What came.
    *kinds : type
        Classes of results.

    Raises
    ------
    TypeError
    """
    if isinstance(value, kinds):
        return
    wanted = ", or ".join(
        f"a {kind.__name__}, as rnndyn.{_KINDS[kind.__name__][0]} returns" for kind in kinds
    )
    advice = _advice(value, _KINDS[kinds[0].__name__][0])
    raise TypeError(f"{name} must be {wanted}, got {type(value).__name__}{advice}")


def _advice(value: Any, function: str) -> str:
    own = type(value).__name__
    _, figures = _KINDS.get(own, ("", ()))
    if figures:
        return f"; rnndyn.plot.{' or rnndyn.plot.'.join(figures)} draws that"
    if own == "Cycle" and function == "find_cycles":
        return "; give a part of its set, such as cycles[:1]"
    if isinstance(value, Model) or hasattr(value, "state_dict"):
        options = ", max_order=1" if function == "find_cycles" else ", ..."
        return f"; give the result of rnndyn.{function.split()[0]}(model{options})"
    return ""
