"""The papers that the methods of this package come from, as docstrings and docs name them."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

EntryType = Literal["article", "inproceedings", "incollection", "book", "techreport", "misc"]

#: Fields of BibTeX that a text shows after the title, in this order.
_TEXT_FIELDS = ("journal", "booktitle", "edition", "publisher", "institution")


@dataclass(frozen=True)
class Reference:
    """A paper, book or program.

    Attributes
    ----------
    key : str
        Name of the BibTeX entry.
    entry_type : str
        Kind of the BibTeX entry.
    authors : tuple of str
        Initials and family names.
    title : str
        Title.
    year : int or None
        Year of publication; None where it is not published.
    fields : mapping of str to str
        Other BibTeX fields, such as ``journal`` and ``pages``.
    """

    key: str
    entry_type: EntryType
    authors: tuple[str, ...]
    title: str
    year: int | None
    fields: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def text(self) -> str:
        """The reference as one line."""
        shown = {name: self.fields[name] for name in _TEXT_FIELDS if name in self.fields}
        if "edition" in shown:
            shown["edition"] += " edition"
        where = ", ".join(shown.values())
        if "volume" in self.fields:
            where += f" {self.fields['volume']}"
        if self.year is not None:
            where += f" ({self.year})" if where else f"{self.year}"
        if "pages" in self.fields:
            where += f" {self.fields['pages'].replace('--', '–')}"
        if "note" in self.fields:
            where += f", {self.fields['note']}" if where else self.fields["note"]
        return f'{", ".join(self.authors)}, "{self.title}", {where}.'

    @property
    def bibtex(self) -> str:
        """The reference as a BibTeX entry in UTF-8."""
        values = {
            "author": " and ".join(
                # A group is no family name with initials: braces keep it together.
                f"{{{name}}}" if name.startswith("the ") else name
                for name in self.authors
            ),
            # The inner braces keep capitals as they are.
            "title": f"{{{self.title}}}",
            **self.fields,
            **({} if self.year is None else {"year": str(self.year)}),
        }
        lines = [f"  {name} = {{{_escaped(value)}}}," for name, value in values.items()]
        return "\n".join([f"@{self.entry_type}{{{self.key},", *lines, "}"])


def _escaped(value: str) -> str:
    for character in "&%#_":
        value = value.replace(character, f"\\{character}")
    return value


def _reference(
    key: str, entry_type: EntryType, authors: str, title: str, year: int, **fields: str
) -> Reference:
    names = tuple(authors.split(", "))
    return Reference(key, entry_type, names, title, year, MappingProxyType(fields))


_ALL = (
    # Searching cycles.
    _reference(
        "eisenmann2023bifurcations", "inproceedings",
        "L. Eisenmann, Z. Monfared, N. Göring, D. Durstewitz",
        "Bifurcations and loss jumps in RNN training", 2023,
        booktitle="Advances in Neural Information Processing Systems", volume="36",
        pages="70511--70547",
    ),
    _reference(
        "wright1992stable", "article", "S. J. Wright",
        "Stable parallel algorithms for two-point boundary value problems", 1992,
        journal="SIAM J. Sci. Stat. Comput.",
    ),
    _reference(
        "krawczyk1969newton", "article", "R. Krawczyk",
        "Newton-Algorithmen zur Bestimmung von Nullstellen mit Fehlerschranken", 1969,
        journal="Computing", volume="4", pages="187--201",
    ),
    _reference(
        "rump2010verification", "article", "S. M. Rump",
        "Verification methods: rigorous results using floating-point arithmetic", 2010,
        journal="Acta Numerica", volume="19", pages="287--449",
    ),
    _reference(
        "salmon2011parallel", "inproceedings",
        "J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw",
        "Parallel random numbers: as easy as 1, 2, 3", 2011, booktitle="SC",
    ),
    _reference(
        "good1953population", "article", "I. J. Good",
        "The population frequencies of species and the estimation of population parameters", 1953,
        journal="Biometrika", volume="40", pages="237--264",
    ),
    _reference(
        "kerman2011neutral", "article", "J. Kerman",
        "Neutral noninformative and informative conjugate beta and gamma prior distributions", 2011,
        journal="Electronic Journal of Statistics", volume="5", pages="1450--1470",
    ),
    # Proofs that no cycle is missing.
    _reference(
        "cottle1992linear", "book", "R. W. Cottle, J.-S. Pang, R. E. Stone",
        "The Linear Complementarity Problem", 1992, publisher="Academic Press",
    ),
    _reference(
        "fourer1994notes", "techreport", "R. Fourer", "Notes on the dual simplex method", 1994,
        institution="Northwestern University",
    ),
    _reference(
        "maros2003computational", "book", "I. Maros",
        "Computational Techniques of the Simplex Method", 2003, publisher="Kluwer",
    ),
    _reference(
        "fredricksen1978necklaces", "article", "H. Fredricksen, J. Maiorana",
        "Necklaces of beads in k colors and k-ary de Bruijn sequences", 1978,
        journal="Discrete Math.", volume="23", pages="207--210",
    ),
    _reference(
        "fredricksen1986algorithm", "article", "H. Fredricksen, I. J. Kessler",
        "An algorithm for generating necklaces of beads in two colors", 1986,
        journal="Discrete Math.", volume="61", pages="181--188",
    ),
    _reference(
        "rump2006verification", "article", "S. M. Rump",
        "Verification of positive definiteness", 2006,
        journal="BIT Numer. Math.", volume="46", pages="433--452",
    ),
    _reference(
        "schrijver1986theory", "book", "A. Schrijver",
        "Theory of Linear and Integer Programming", 1986, publisher="Wiley",
    ),
    _reference(
        "higham2002accuracy", "book", "N. J. Higham",
        "Accuracy and Stability of Numerical Algorithms", 2002,
        edition="second", publisher="SIAM",
    ),
    _reference(
        "neumaier2004safe", "article", "A. Neumaier, O. Shcherbina",
        "Safe bounds in linear and mixed-integer linear programming", 2004,
        journal="Math. Program.", volume="99", pages="283--296",
    ),
    # Bifurcations.
    _reference(
        "dibernardo1999local", "article", "M. di Bernardo, M. I. Feigin, S. J. Hogan, M. E. Homer",
        "Local analysis of C-bifurcations in n-dimensional piecewise-smooth dynamical systems",
        1999, journal="Chaos, Solitons & Fractals",
    ),
    _reference(
        "iglewicz1993how", "book", "B. Iglewicz, D. C. Hoaglin",
        "How to Detect and Handle Outliers", 1993, publisher="ASQC Quality Press",
    ),
    # Lyapunov exponents.
    _reference(
        "benettin1980lyapunov", "article", "G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn",
        "Lyapunov characteristic exponents for smooth dynamical systems and for Hamiltonian "
        "systems; a method for computing all of them. Part 1: theory", 1980,
        journal="Meccanica", volume="15", pages="9--20",
    ),
    _reference(
        "vogt2022lyapunov", "article", "R. Vogt, M. Puelma Touzel, E. Shlizerman, G. Lajoie",
        "On Lyapunov exponents for RNNs: understanding information propagation using dynamical "
        "systems tools", 2022, journal="Front. Appl. Math. Stat.", volume="8", pages="818799",
    ),
    _reference(
        "bjorck1994numerics", "article", "Å. Björck",
        "Numerics of Gram-Schmidt orthogonalization", 1994,
        journal="Linear Algebra Appl.", volume="197/198", pages="297--316",
    ),
    _reference(
        "cox1998stability", "incollection", "A. J. Cox, N. J. Higham",
        "Stability of Householder QR factorization for weighted least squares problems", 1998,
        booktitle="Numerical Analysis 1997", pages="57--73",
    ),
    _reference(
        "schmeiser1982batch", "article", "B. Schmeiser",
        "Batch size effects in the analysis of simulation output", 1982,
        journal="Operations Research", volume="30", pages="556--568",
    ),
    _reference(
        "fishman1978grouping", "article", "G. S. Fishman",
        "Grouping observations in digital simulation", 1978,
        journal="Management Science", volume="24", pages="510--521",
    ),
    _reference(
        "kaplan1979chaotic", "incollection", "J. Kaplan, J. Yorke",
        "Chaotic behavior of multidimensional difference equations", 1979,
        booktitle="Lecture Notes in Mathematics", volume="730", pages="204--227",
    ),
    _reference(
        "ginelli2007characterizing", "article",
        "F. Ginelli, P. Poggi, A. Turchi, H. Chaté, R. Livi, A. Politi",
        "Characterizing dynamics with covariant Lyapunov vectors", 2007,
        journal="Phys. Rev. Lett.", volume="99", pages="130601",
    ),
    # Model families.
    _reference(
        "durstewitz2017state", "article", "D. Durstewitz",
        "A state space approach for piecewise-linear recurrent neural networks for identifying "
        "computational dynamics from neural measurements", 2017,
        journal="PLoS Computational Biology", volume="13", pages="e1005542",
    ),
    _reference(
        "brenner2024almost", "inproceedings",
        "M. Brenner, C. J. Hemmer, Z. Monfared, D. Durstewitz",
        "Almost-linear RNNs yield highly interpretable symbolic codes in dynamical systems "
        "reconstruction", 2024, booktitle="NeurIPS",
    ),
    _reference(
        "brenner2022tractable", "inproceedings",
        "M. Brenner, F. Hess, J. M. Mikhaeil, L. F. Bereska, Z. Monfared, P.-C. Kuo, D. Durstewitz",
        "Tractable dendritic RNNs for reconstructing nonlinear dynamical systems", 2022,
        booktitle="ICML", pages="2292--2320",
    ),
    _reference(
        "hess2023generalized", "inproceedings",
        "F. Hess, Z. Monfared, M. Brenner, D. Durstewitz",
        "Generalized teacher forcing for learning chaotic dynamics", 2023, booktitle="ICML",
    ),
    _reference(
        "le2015simple", "misc", "Q. V. Le, N. Jaitly, G. E. Hinton",
        "A simple way to initialize recurrent networks of rectified linear units", 2015,
        note="arXiv:1504.00941",
    ),
    _reference(
        "maas2013rectifier", "inproceedings", "A. L. Maas, A. Y. Hannun, A. Y. Ng",
        "Rectifier nonlinearities improve neural network acoustic models", 2013,
        booktitle="ICML",
    ),
    _reference(
        "elman1990finding", "article", "J. L. Elman", "Finding structure in time", 1990,
        journal="Cognitive Science", volume="14", pages="179--211",
    ),
    _reference(
        "cho2014learning", "inproceedings",
        "K. Cho, B. van Merriënboer, C. Gulcehre, D. Bahdanau, F. Bougares, H. Schwenk, Y. Bengio",
        "Learning phrase representations using RNN encoder-decoder for statistical machine "
        "translation", 2014, booktitle="EMNLP",
    ),
    _reference(
        "hochreiter1997long", "article", "S. Hochreiter, J. Schmidhuber",
        "Long short-term memory", 1997,
        journal="Neural Computation", volume="9", pages="1735--1780",
    ),
    _reference(
        "gers2000learning", "article", "F. A. Gers, J. Schmidhuber, F. Cummins",
        "Learning to forget: continual prediction with LSTM", 2000,
        journal="Neural Computation", volume="12", pages="2451--2471",
    ),
    # Training.
    _reference(
        "mikhaeil2022difficulty", "inproceedings", "J. M. Mikhaeil, Z. Monfared, D. Durstewitz",
        "On the difficulty of learning chaotic dynamics with RNNs", 2022, booktitle="NeurIPS",
    ),
    _reference(
        "schmidt2021identifying", "inproceedings",
        "D. Schmidt, G. Koppe, Z. Monfared, M. Beutelspacher, D. Durstewitz",
        "Identifying nonlinear dynamical systems with multiple time scales and long-range "
        "dependencies", 2021, booktitle="ICLR",
    ),
)  # fmt: skip

REFERENCES = MappingProxyType({reference.key: reference for reference in _ALL})
"""All references by their key."""
