"""The papers that the methods of this package come from: ``references.bib``, read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

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
    entry_type: str
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
    return re.sub(r"([&%#_])", r"\\\1", value)


def _read(text: str) -> Iterator[Reference]:
    """Read the entries of a BibTeX file that is written as `Reference.bibtex` writes it."""
    for kind, key, body in re.findall(r"^@(\w+)\{(\w+),\n(.*?)^\}", text, re.DOTALL | re.MULTILINE):
        pairs = re.findall(r"^  (\w+) = \{(.*)\},$", body, re.MULTILINE)
        values = {name: re.sub(r"\\([&%#_])", r"\1", value) for name, value in pairs}
        yield Reference(
            key,
            kind,
            authors=tuple(values.pop("author").split(" and ")),
            title=values.pop("title").strip("{}"),
            year=int(values.pop("year")),
            fields=MappingProxyType(values),
        )


_FILE = Path(__file__).with_name("references.bib")

REFERENCES = MappingProxyType({one.key: one for one in _read(_FILE.read_text("utf-8"))})
"""All references by their key."""
