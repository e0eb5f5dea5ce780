"""The house stays in order: what imports what, and how many files lie where.

The graph is read from the sources with `ast`, so that an import counts wherever it stands.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import rnndyn as rd
from rnndyn._common.optional import _EXTRAS

PACKAGE = Path(rd.__file__).parent
#: What only some systems or installations have may be imported where it is needed.
OPTIONAL = {*_EXTRAS, "dask", "distributed"}
#: Files that import by name at run time, each of which says why.
BY_NAME = {
    "rnndyn",
    "rnndyn._common.optional",
    "rnndyn._core",
    "rnndyn.cli",
    "rnndyn.io._hdf5_process",
    "rnndyn.results.loading",
    "rnndyn.training._tensorboard",
}


class Import(NamedTuple):
    """An import of a file: of a whole module, or of a name from it."""

    module: str
    name: str | None
    in_function: bool
    for_type_checkers: bool


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(
    node: ast.AST, in_function: bool = False, for_type_checkers: bool = False
) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, None, in_function, for_type_checkers)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports name the whole module"
            for alias in child.names:
                yield Import(child.module or "", alias.name, in_function, for_type_checkers)
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from imports_of(
            child, in_function or inside, for_type_checkers or is_type_checking(child)
        )


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


IMPORTS = {
    module: list(imports_of(ast.parse(path.read_text("utf-8")))) for module, path in FILES.items()
}
#: Of every file the files that it imports; a name of a package may be a file of it.
GRAPH = {
    module: {
        whole if (whole := f"{one.module}.{one.name}") in FILES else one.module
        for one in imports
        if one.module.partition(".")[0] == "rnndyn"
    }
    # The compiled module of a package is no file of Python.
    - {module}
    for module, imports in IMPORTS.items()
}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the sets of nodes that can all reach each other (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            at = stack.index(node)
            members = stack[at:]
            del stack[at:]
            if len(members) > 1 or node in graph.get(node, ()):
                found.append(sorted(members))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == [["b", "c"]]
    assert circles({"a": {"a"}}) == [["a"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_all_imports_are_seen():
    assert len(FILES) > 200
    for module, targets in GRAPH.items():
        assert targets <= FILES.keys(), module
    assert "rnndyn.cycles.block" in GRAPH["rnndyn.cycles.result"]


def test_no_file_imports_itself_over_others():
    assert circles(GRAPH) == []


def test_rooms_know_each_other_one_way():
    """A room may be imported as a whole by any other without asking what comes first."""
    rooms: dict[str, set[str]] = {}
    for module, targets in GRAPH.items():
        if module != "rnndyn":
            own = module.split(".")[1]
            others = {target.split(".")[1] for target in targets if target != "rnndyn"}
            rooms.setdefault(own, set()).update(others - {own})
    assert circles(rooms) == []
    # The common things know no room, and the checker knows nothing of what it checks.
    assert rooms["_common"] <= {"_core", "_version"}
    assert rooms["verify"] <= {"_common", "_core", "models"}


def test_blocks_for_type_checkers_hide_no_circle():
    """They stand for optional packages, and in the package itself for names that are lazy."""
    for module, imports in IMPORTS.items():
        if module != "rnndyn":
            hidden = {one.module for one in imports if one.for_type_checkers}
            assert {name.partition(".")[0] for name in hidden} <= OPTIONAL, module


def test_imports_stand_at_the_top():
    for module, imports in IMPORTS.items():
        inside = {one.module.partition(".")[0] for one in imports if one.in_function}
        assert inside <= OPTIONAL, module


def test_imports_by_name_are_few():
    """What is imported by a name at run time is in no graph."""
    users = {
        module
        for module, path in FILES.items()
        if "importlib.import_module" in path.read_text("utf-8")
    }
    assert users == BY_NAME


def test_no_file_has_the_name_of_something_that_its_room_offers():
    """As soon as such a file is imported, it would take the place of the function."""
    for path in PACKAGE.rglob("__init__.py"):
        imports = IMPORTS[module_of(path)]
        # Of a folder that is offered as such, such as `examples`, it is the file itself.
        names = {one.name for one in imports if f"{one.module}.{one.name}" not in FILES}
        files = {own.stem for own in path.parent.iterdir()}
        offered = {
            constant.value
            for statement in ast.parse(path.read_text("utf-8")).body
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__"
            for constant in ast.walk(statement.value)
            if isinstance(constant, ast.Constant)
        }
        assert not offered & names & files, path


def test_few_files_lie_at_the_root():
    files = sorted(path.name for path in PACKAGE.iterdir() if path.is_file())
    assert len(files) <= 8, files


def test_every_kind_of_result_has_the_same_files():
    """`result.py` and `run.py`, and its file, looks and exports next to them."""
    rooms = [path.parent for path in PACKAGE.rglob("result.py")]
    assert len(rooms) == 11
    for room in rooms:
        there = {path.name for path in room.iterdir()}
        assert {"__init__.py", "_file.py", "_table.py", "_export.py"} <= there, room
        # A certificate and a timeline are made by the runs of searches and of continuations.
        assert "run.py" in there or room.name in ("certificate", "timeline"), room
