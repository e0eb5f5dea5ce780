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
    """First line and number of lines of everything that looks like a function."""
    lines = text.split("\n")
    no_function = re.compile(
        r"(if|for|while|switch|else|do|namespace|catch|try|case|return|class|struct|enum)\b|[#/:}]"
    )
    found = []
    number = 0
    while number < len(lines):
        line = lines[number].lstrip()
        indent = lines[number][: len(lines[number]) - len(line)]
        first = number
        number += 1
        if len(indent) > 4 or "(" not in line or no_function.match(line):
            continue
        while number < len(lines) and not lines[number - 1].rstrip().endswith(("{", ";", "}")):
            number += 1
        if not lines[number - 1].endswith("{"):
            continue
        while number < len(lines) and not lines[number].startswith(f"{indent}}}"):
            number += 1
        found.append((first + 1, number - first + 1))
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
