"""``import rnndyn`` costs next to nothing: what a program does not use is not imported."""

import ast
import contextlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import rnndyn as rd

SOURCE = Path(rd.__file__).read_text()


def printed_by(program):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_the_package_imports_nothing_else():
    imported = printed_by(
        "import json, sys, importlib, typing; before = set(sys.modules)\n"
        "import rnndyn; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    assert imported == ["rnndyn", "rnndyn._version"]


def test_a_network_brings_no_more_than_models():
    imported = printed_by(
        "import json, sys, numpy; before = set(sys.modules)\n"
        "import rnndyn; rnndyn.PLRNN([0.5], [[0.0]], [1.0])\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    rooms = {name.split(".")[1] for name in imported if name.startswith("rnndyn.")}
    assert rooms == {"_common", "_core", "_version", "models"}
    assert not {"argparse", "dataclasses", "json", "zipfile"} & set(imported)


def test_type_checkers_see_the_names_that_python_finds():
    seen = {}
    (block,) = (
        node
        for node in ast.parse(SOURCE).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name)
    )
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        for alias in statement.names:
            assert alias.asname is None
            seen[alias.name] = statement.module
    assert {name for name, module in seen.items() if module == "rnndyn"} == {"examples", "plot"}
    assert {n: m for n, m in seen.items() if m != "rnndyn"} == rd._MODULES
    assert set(rd.__all__) == {*seen, "__version__"}


def test_all_public_names_are_there():
    assert set(rd.__all__) <= set(dir(rd))
    assert {"Any", "importlib", "_MODULES", "cli", "reporting", "_core"}.isdisjoint(dir(rd))
    assert {"io", "models", "training", "examples"} <= set(dir(rd))
    for name in rd.__all__:
        assert getattr(rd, name) is not None
    # A module of the same name would take the place of the function as soon as it is imported.
    folder = Path(rd.__file__).parent
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert not modules & set(rd._MODULES)


def test_any_public_module_can_be_imported_first():
    """Which one is first depends on the program; circles of imports show here."""
    modules = sorted({*rd._MODULES.values(), "rnndyn.examples", "rnndyn.plot", "rnndyn.cli"})
    failed = printed_by(
        f"import importlib, json, sys; failed = {{}}\nfor first in {modules}:\n"
        "    for name in [n for n in sys.modules if n.partition('.')[0] == 'rnndyn']:\n"
        "        if not name.startswith('rnndyn._core'): del sys.modules[name]\n"
        "    try: importlib.import_module(first)\n"
        "    except ImportError as error: failed[first] = str(error)\n"
        "print(json.dumps(failed))"
    )
    assert failed == {}


def test_other_names_are_errors():
    with pytest.raises(AttributeError, match="module 'rnndyn' has no attribute 'fnid_cycles'"):
        rd.fnid_cycles  # noqa: B018
    assert not hasattr(rd, "__wrapped__")
    # A module that was not imported yet, as an attribute.
    program = "import json, rnndyn; print(json.dumps('load_model' in rnndyn.io.__all__))"
    assert printed_by(program) is True


def public_signatures():
    """Return the signature of every public function, class and method, by name."""
    found = {}
    for room in (rd, rd.plot, rd.io, rd.training):
        for name in room.__all__:
            value = getattr(room, name)
            owners = [(name, value)]
            if inspect.isclass(value):
                owners += [
                    (f"{name}.{key}", method)
                    for key, method in inspect.getmembers(value, inspect.isroutine)
                    if not key.startswith("_")
                    and "rnndyn" in str(getattr(method, "__module__", ""))
                ]
            for key, owner in owners:
                # Some of Python's own, such as exceptions, have none.
                with contextlib.suppress(TypeError, ValueError):
                    found[f"{room.__name__}.{key}"] = str(inspect.signature(owner))
    return found


def test_signatures_are_short_in_help():
    """Types are written by their names, not as the thousands of characters they stand for."""
    pytest.importorskip("torch")
    signatures = public_signatures()
    assert len(signatures) > 300
    assert [name for name, text in signatures.items() if len(text) > 800] == []
    # What ArrayLike and the arrays of numpy unroll into.
    unrolled = ("numpy._typing", "numpy.ndarray[tuple")
    assert [n for n, text in signatures.items() if any(part in text for part in unrolled)] == []
