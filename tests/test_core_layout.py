"""The rooms of the core: who includes whom, how long functions are, and what sentences say."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "cpp" / "src"
FILES = sorted(SOURCES.rglob("*.[hc]pp"))
EVERYTHING = sorted((ROOT / "cpp").rglob("*.[hc]pp"))
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
LONGEST_FUNCTION = 80

pytestmark = pytest.mark.skipif(not SOURCES.is_dir(), reason="needs a checkout")


def room_of(path: str) -> str:
    return path.split("/")[0]


def includes_by_room() -> dict[str, set[str]]:
    rooms: dict[str, set[str]] = defaultdict(set)
    for file in FILES:
        here = room_of(file.relative_to(SOURCES).as_posix())
        for include in INCLUDE.findall(file.read_text()):
            there = room_of(include)
            if there not in (here, "rnndyn"):
                rooms[here].add(there)
    return rooms


def test_own_headers_are_included_from_the_root_of_the_sources():
    assert FILES
    wrong = [
        (file.name, include)
        for file in FILES
        for include in INCLUDE.findall(file.read_text())
        if not include.startswith("rnndyn/") and not (SOURCES / include).is_file()
    ]
    assert not wrong


def test_rooms_include_each_other_in_one_direction():
    rooms = includes_by_room()
    finished: set[str] = set()

    def visit(room: str, way: list[str]) -> None:
        assert room not in way, f"a circle of rooms: {' -> '.join([*way, room])}"
        if room in finished:
            return
        for next_room in sorted(rooms.get(room, ())):
            visit(next_room, [*way, room])
        finished.add(room)

    for room in sorted(rooms):
        visit(room, [])
    assert "kernels" in rooms["linear_algebra"]  # the graph is not empty


def test_the_core_knows_nothing_of_python():
    for file in FILES:
        assert "pybind11" not in file.read_text()


def functions(text: str) -> list[tuple[int, int]]:
    """First line and number of lines of everything that looks like a function's body."""
    lines = text.split("\n")
    found = []
    opened: tuple[int, str] | None = None
    keyword = re.compile(r"\s*(if|for|while|switch|else|do|namespace|\}|catch|try|class|struct)\b")
    for number, line in enumerate(lines):
        indent = line[: len(line) - len(line.lstrip())]
        if opened is None:
            if line.endswith("{") and ")" in line and ";" not in line and len(indent) <= 4:
                if not keyword.match(line):
                    opened = number, indent
        elif re.match(rf"{opened[1]}\}}", line):
            found.append((opened[0] + 1, number - opened[0] + 1))
            opened = None
        # A constructor ends in the line of its initializers.
        elif line.startswith(opened[1]) and line.endswith("{}"):
            opened = None
    return found


def test_functions_are_short():
    n_found = 0
    for file in EVERYTHING:
        for first, length in functions(file.read_text()):
            n_found += 1
            assert length <= LONGEST_FUNCTION, f"{file.name}:{first} has {length} lines"
    assert n_found > 1000


def test_sentences_of_the_core_have_no_python_in_them():
    # Arguments and values of Python's functions: their advice stands in Python.
    syntax = re.compile(r'"[^"\n]*\b[a-z_]+=[\'"A-Z0-9(\[][^"\n]*"')
    for file in FILES:
        for match in syntax.finditer(file.read_text()):
            raise AssertionError(f"{file.name}: {match.group()}")
