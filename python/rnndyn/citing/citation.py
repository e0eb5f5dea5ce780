"""Which papers to cite for a result."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, overload

from rnndyn._common.table import Shown
from rnndyn._version import __version__
from rnndyn.basins_of_attraction.result import BasinFractions, Basins
from rnndyn.bifurcation import BranchSet, StabilityDiagram, Timeline
from rnndyn.certificate.result import Certificate
from rnndyn.citing._references import REFERENCES, Reference
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.result import CycleSet
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.manifolds.chaos import ChaosCertificate
from rnndyn.manifolds.connections import HomoclinicPoints
from rnndyn.manifolds.result import BasinBoundary, Manifold
from rnndyn.models import RecurrentNetwork
from rnndyn.parameter_scan._measures import MAX_LYAPUNOV
from rnndyn.parameter_scan.result import Scan
from rnndyn.regions.result import RegionGraph
from rnndyn.slow_points.by_input import SlowPointsByInput
from rnndyn.slow_points.result import SlowPointSet

SOFTWARE = Reference(
    "rnndyn",
    "misc",
    ("the rnndyn authors",),
    "rnndyn: exact dynamical-systems analysis of recurrent neural networks",
    None,
    MappingProxyType({"note": f"version {__version__}"}),
)

#: Pairs of a key of REFERENCES and what the paper is behind.
_Uses = Iterable[tuple[str, str]]

_FAMILY = "the model family"
_SEARCH = "cycles as solutions of linear systems, and the search for them"
_LEAKY = (("maas2013rectifier", _FAMILY),)
_FORCING = (("hess2023generalized", "generalised teacher forcing"),)

#: What comes from a paper, by the name of its class, so that nothing optional is imported.
_CLASSES: dict[str, tuple[tuple[str, str], ...]] = {
    "PLRNN": (("durstewitz2017state", _FAMILY),),
    "ALRNN": (("brenner2024almost", _FAMILY),),
    "DendriticPLRNN": (("brenner2022tractable", _FAMILY),),
    "MeanCenteredPLRNN": (("brenner2022tractable", _FAMILY),),
    "ShallowPLRNN": (("hess2023generalized", _FAMILY),),
    "ClippedShallowPLRNN": (("hess2023generalized", _FAMILY),),
    "ReLURNN": (("le2015simple", _FAMILY),),
    "LeakyPLRNN": _LEAKY,
    "LeakyShallowPLRNN": _LEAKY,
    "LeakyReLURNN": _LEAKY,
    "LowRankRNN": (("pals2024inferring", _FAMILY),),
    "PiecewiseLinearMap": (),
    "PeriodicallyDriven": (),
    "DeepPLRNN": (("pascanu2014construct", _FAMILY),),
    "DifferentiableMap": (),
    "RNN": (("elman1990finding", _FAMILY),),
    "GRU": (("cho2014learning", _FAMILY),),
    "LSTM": (("hochreiter1997long", _FAMILY), ("gers2000learning", "its forget gate")),
    "NoForcing": (),
    "SparseForcing": (("mikhaeil2022difficulty", "sparse teacher forcing"),),
    "GeneralizedForcing": _FORCING,
    "AnnealedForcing": _FORCING,
    "AdaptiveForcing": _FORCING,
    "ManifoldAttractorRegularization": (("schmidt2021identifying", "the regularization"),),
    "LookAhead": (("eisenmann2023bifurcations", "looking ahead for bifurcations"),),
}


@dataclass(frozen=True)
class Citation(Shown):
    """A reference and what it is behind.

    Attributes
    ----------
    reference : Reference
        Authors, title, year and where it was published.
    purpose : str
        What of the result comes from there.
    """

    reference: Reference
    purpose: str


class Bibliography(Shown, Sequence[Citation]):
    """The references behind results, the software first; prints as a numbered list.

    Attributes
    ----------
    text : str
        Numbered list with what each reference is behind.
    bibtex : str
        The same as BibTeX entries, in UTF-8.

    Examples
    --------
    >>> import rnndyn as rd
    >>> [citation.reference.key for citation in rd.cite(rd.examples.tent_map())]
    ['rnndyn', 'durstewitz2017state']
    """

    def __init__(self, citations: Iterable[Citation]) -> None:
        self._citations = tuple(citations)

    @property
    def text(self) -> str:
        """The references as a numbered list."""
        return "\n".join(
            f"[{number}] {citation.reference.text} [{citation.purpose}]"
            for number, citation in enumerate(self, start=1)
        )

    @property
    def bibtex(self) -> str:
        """The references as BibTeX entries."""
        return "\n\n".join(citation.reference.bibtex for citation in self)

    def __len__(self) -> int:
        return len(self._citations)

    @overload
    def __getitem__(self, index: int) -> Citation: ...
    @overload
    def __getitem__(self, index: slice) -> "Bibliography": ...
    def __getitem__(self, index: int | slice) -> "Citation | Bibliography":
        if isinstance(index, slice):
            return Bibliography(self._citations[index])
        return self._citations[index]

    def __iter__(self) -> Iterator[Citation]:
        return iter(self._citations)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bibliography):
            return NotImplemented
        return self._citations == other._citations

    def __hash__(self) -> int:
        return hash(self._citations)

    def __repr__(self) -> str:
        return self.text


def cite(*results: Any) -> Bibliography:
    """Return the papers behind results, for the options that were really used.

    Parameters
    ----------
    *results : result, model or training strategy
        `CycleSet`, `CyclesByInput`, `SlowPointSet`, `SlowPointsByInput`, `Certificate`,
        `BranchSet`, `Timeline`, `StabilityDiagram`, `LyapunovSpectrum`, `Scan`, `Basins`,
        `BasinFractions`, `RegionGraph`,
        `Manifold`, `BasinBoundary`, `HomoclinicPoints`, `ChaosCertificate`, any model, and of
        `rnndyn.training` the kinds of teacher forcing, `LookAhead` and
        `ManifoldAttractorRegularization`. Of several, each paper is listed once. Without any, the
        software alone.

    Returns
    -------
    Bibliography
        The software, then the references; ``print`` shows them, ``.bibtex`` is for LaTeX.

    Raises
    ------
    TypeError
        If it is not known what a result is.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.examples.tent_map()
    >>> cited = rd.cite(rd.find_cycles(tent, max_order=2, method="exhaustive"))
    >>> for citation in cited[1:]:
    ...     print(citation.reference.key, "-", citation.purpose)
    durstewitz2017state - the model family
    eisenmann2023bifurcations - cycles as solutions of linear systems, and the search for them
    krawczyk1969newton - verified error bounds of the cycles
    rump2010verification - verified error bounds of the cycles
    wright1992stable - the solution of the linear systems
    >>> print(cited[-1].reference.bibtex)
    @article{wright1992stable,
      author = {S. J. Wright},
      title = {{Stable parallel algorithms for two-point boundary value problems}},
      journal = {SIAM J. Sci. Stat. Comput.},
      year = {1992},
    }
    """
    purposes: dict[str, list[str]] = {}
    for result in results:
        for key, purpose in _uses(result):
            known = purposes.setdefault(key, [])
            if purpose not in known:
                known.append(purpose)
    cited = [Citation(REFERENCES[key], "; ".join(listed)) for key, listed in purposes.items()]
    return Bibliography([Citation(SOFTWARE, "the software"), *cited])


def _uses(result: Any) -> Iterator[tuple[str, str]]:
    match result:
        case CycleSet():
            yield from _of_cycles(result)
        case CyclesByInput():
            for cycles in result:
                yield from _of_cycles(cycles)
        case SlowPointSet():
            yield from _of_slow_points(result)
        case SlowPointsByInput():
            for slow in result:
                yield from _of_slow_points(slow)
        case Certificate():
            yield from _of_certificate(result)
        case Timeline():
            yield from _of_branches(result.branch_set)
            yield ("eisenmann2023bifurcations", "bifurcations and jumps of the loss")
            if result.losses is not None:
                yield ("iglewicz1993how", "which changes of the loss are jumps")
        case BranchSet():
            yield from _of_branches(result)
        case StabilityDiagram():
            yield from _of_model(result.model)
            yield ("eisenmann2023bifurcations", _SEARCH)
            yield ("dibernardo1999local", "what happens at border collisions")
        case LyapunovSpectrum():
            yield from _of_spectrum(result)
        case Scan():
            yield from _of_scan(result)
        case Basins() | BasinFractions():
            yield from _of_basins(result)
        case RegionGraph():
            yield from _of_regions(result)
        case Manifold() | BasinBoundary() | HomoclinicPoints() | ChaosCertificate():
            yield from _of_model(result.model)
            yield ("eisenmann2023bifurcations", "cycles as solutions of linear systems")
            yield ("gilbert1991linear", "the local sets of manifolds")
            if isinstance(result, ChaosCertificate):
                yield ("zgliczynski2004covering", "the proof of chaos by covering relations")
        case _:
            yield from _of_model(result)


def _of_model(model: Any) -> _Uses:
    for owner in type(model).__mro__:
        if owner.__module__.partition(".")[0] == "rnndyn" and owner.__name__ in _CLASSES:
            return _CLASSES[owner.__name__]
    raise TypeError(
        "results must be results, models or training strategies of rnndyn, got "
        f"{type(model).__name__}"
    )


def _of_cycles(cycles: CycleSet) -> Iterator[tuple[str, str]]:
    yield from _of_model(cycles.model)
    if cycles.is_smooth:
        yield ("deuflhard2011newton", "Newton's method with affine invariant step control")
    else:
        yield ("eisenmann2023bifurcations", _SEARCH)
    if any(block.certified.any() for block in cycles.blocks):
        yield ("krawczyk1969newton", "verified error bounds of the cycles")
        yield ("rump2010verification", "verified error bounds of the cycles")
    if any(record.index_sum is not None for record in cycles.search.orders):
        yield ("granas2003fixed", "the index sum, which tells when something is missing")
    if cycles.is_smooth and any(record.n_boxes for record in cycles.search.orders):
        yield ("neumaier1990interval", "the proof, branch and prune with interval Newton")
    if any(block.order > 1 for block in cycles.blocks):
        yield ("wright1992stable", "the solution of the linear systems")
    search = cycles.search
    if search.n_restarts:
        yield ("salmon2011parallel", "random numbers of the search")
    if search.coverage is not None:
        yield ("good1953population", "the estimate of the coverage")
        yield ("kerman2011neutral", "the lower bound of the coverage")
    if cycles.certificate is not None:
        yield from _of_certificate(cycles.certificate)


def _of_slow_points(slow: SlowPointSet) -> Iterator[tuple[str, str]]:
    yield from _of_model(slow.model)
    yield ("sussillo2013opening", "slow points as minima of the speed")
    if isinstance(slow.model, RecurrentNetwork):
        yield ("nielsen1999damping", "the damping of the descents")
    if slow.run.n_restarts:
        yield ("salmon2011parallel", "random numbers of the search")


def _of_basins(basins: Basins | BasinFractions) -> Iterator[tuple[str, str]]:
    yield from _of_model(basins.model)
    found = (*basins.attractors, *basins.unclaimed)
    if found:
        yield ("eisenmann2023bifurcations", "cycles as solutions of linear systems")
    if any(cycle.certified for cycle in found):
        yield ("krawczyk1969newton", "verified error bounds of the cycles")
        yield ("rump2010verification", "verified error bounds of the cycles")

    if isinstance(basins, BasinFractions):
        yield ("wilson1927probable", "the intervals of the shares")


def _of_regions(graph: RegionGraph) -> Iterator[tuple[str, str]]:
    yield from _of_model(graph.model)
    yield ("tarjan1972depth", "strongly connected components")
    yield ("horn2013matrix", "bounds of the largest eigenvalue of the transitions")
    if graph.lower is not None:
        yield ("schrijver1986theory", "Farkas' lemma")
        yield ("higham2002accuracy", "bounds of rounding errors")
    if graph.bounds_entropy:
        yield ("bowen1971entropy", "the bound of the topological entropy")


def _of_certificate(certificate: Certificate) -> Iterator[tuple[str, str]]:
    methods = {part.method for part in certificate.parts}
    if methods & {"dictionary", "p_matrix"}:
        yield ("cottle1992linear", "complementarity, the form of the proof")
    if "dictionary" in methods:
        yield ("fourer1994notes", "the dual simplex method")
    if methods & {"dictionary", "cells"}:
        yield ("maros2003computational", "the dual simplex method")
    if "polygons" in methods:
        yield ("fredricksen1978necklaces", "following each cycle once")
        yield ("fredricksen1986algorithm", "following each cycle once")
    if methods & {"boxes", "homogeneous_boxes"}:
        yield ("neumaier1990interval", "the proof, branch and prune with interval arithmetic")
    if methods & {"contraction", "p_matrix"}:
        yield ("rump2006verification", "the verified Cholesky decomposition")
    if any(
        part.rigorous and part.method not in ("contraction", "homogeneous_boxes", "p_matrix")
        for part in certificate.parts
    ):
        yield ("schrijver1986theory", "Farkas' lemma")
        yield ("higham2002accuracy", "bounds of rounding errors")
        yield ("neumaier2004safe", "safe bounds from linear programs")


def _of_branches(branches: BranchSet) -> Iterator[tuple[str, str]]:
    for model in branches.models:
        yield from _of_model(model)
    yield ("eisenmann2023bifurcations", _SEARCH)
    yield ("dibernardo1999local", "what happens at border collisions")


def _of_spectrum(spectrum: LyapunovSpectrum) -> Iterator[tuple[str, str]]:
    yield from _CLASSES.get(spectrum.run.model["family"], ())
    yield from _OF_EXPONENTS
    if spectrum.run.n_householder:
        yield ("cox1998stability", "orthonormalization of badly scaled tangent vectors")
    if spectrum.dimension_is_known:
        yield ("kaplan1979chaotic", "the Kaplan-Yorke dimension")
    if spectrum.covariant_vectors is not None:
        yield ("ginelli2007characterizing", "covariant Lyapunov vectors")


_OF_EXPONENTS = (
    ("benettin1980lyapunov", "Lyapunov exponents"),
    ("vogt2022lyapunov", "Lyapunov exponents of recurrent networks"),
    ("bjorck1994numerics", "orthonormalization"),
    ("schmeiser1982batch", "standard errors of the exponents"),
    ("fishman1978grouping", "the test of the batches behind them"),
)


def _of_scan(scan: Scan) -> Iterator[tuple[str, str]]:
    yield from _of_model(scan.model)
    if MAX_LYAPUNOV in scan.run.measures:
        yield from _OF_EXPONENTS
