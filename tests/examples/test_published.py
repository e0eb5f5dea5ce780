"""The published networks are those of the file and are found by any unambiguous name."""

import json
from importlib import resources

import numpy as np
import pytest

from rnndyn import examples
from rnndyn.models import ALRNN, PLRNN, ShallowPLRNN

NAMES = (
    "plrnn_2d_1",
    "plrnn_2d_16",
    "plrnn_2d_27",
    "plrnn_2d_31",
    "plrnn_2d_40",
    "plrnn_10d_10",
    "shallow_2d_h10_fixed_point",
    "shallow_2d_h10_cycles",
    "alrnn_2d_p1_2",
    "plrnn_2d_83",
)
RAW = json.loads(resources.files("rnndyn.examples").joinpath("published_systems.json").read_text())


def test_names():
    assert examples.names()[: len(NAMES)] == NAMES
    assert tuple(RAW) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_networks_are_those_of_the_file(name):
    model, known, raw = examples.load(name), examples.info(name), RAW[name]
    assert model.family == known.family == raw["kind"]
    for parameter, array in model.parameters.items():
        assert array.tolist() == np.array(raw[parameter], dtype=float).tolist()
    assert known.name == name
    assert known.order == raw["order"]
    assert known.expected_cycles == raw["expected_cycles_of_that_order"]
    assert known.source == raw["source"] != ""


@pytest.mark.parametrize(
    ("name", "family", "n_states", "n_units"),
    [
        ("plrnn_2d_16", PLRNN, 2, 2),
        ("plrnn_10d_10", PLRNN, 10, 10),
        ("shallow_2d_h10_cycles", ShallowPLRNN, 2, 10),
        ("alrnn_2d_p1_2", ALRNN, 2, 1),
    ],
)
def test_families_and_sizes(name, family, n_states, n_units):
    model = examples.load(name)
    assert type(model) is family
    assert (model.n_states, model.n_units) == (n_states, n_units)


def test_info():
    known = examples.info("shallow-2d-h10-cycles")
    assert known == examples.PublishedSystem(
        name="shallow_2d_h10_cycles",
        family="ShallowPLRNN",
        order=4,
        expected_cycles=1,
        source="DurstewitzLab/SCYFI test/shPLRNN_tests.jl",
        note="no fixed point, two 2-cycles, no 3-cycle, one 4-cycle",
    )
    assert examples.info("plrnn_2d_1").note == ""
    with pytest.raises(AttributeError):
        known.order = 5


@pytest.mark.parametrize(
    ("short", "name"),
    [
        ("plrnn-10d", "plrnn_10d_10"),
        ("plrnn_10d_10", "plrnn_10d_10"),
        ("PLRNN-2D-1", "plrnn_2d_1"),
        ("plrnn-2d-16", "plrnn_2d_16"),
        ("plrnn_2d_8", "plrnn_2d_83"),
        ("alrnn", "alrnn_2d_p1_2"),
        (" shallow-2d_h10-f ", "shallow_2d_h10_fixed_point"),
    ],
)
def test_short_names(short, name):
    assert examples.load(short) == examples.load(name)
    assert examples.info(short).name == name


@pytest.mark.parametrize("function", [examples.load, examples.info])
def test_names_that_do_not_decide(function):
    with pytest.raises(
        ValueError,
        match=r"^name 'shallow-2' could be any of shallow_2d_h10_fixed_point, "
        r"shallow_2d_h10_cycles$",
    ):
        function("shallow-2")
    for unknown in ("lorenz", "", "plrnn_2d_160"):
        with pytest.raises(
            ValueError, match=f"^there is no example {unknown!r}; choose one of plr"
        ):
            function(unknown)
    for wrong in (3, None, b"alrnn"):
        with pytest.raises(TypeError, match=r"^name must be a str, got"):
            function(wrong)


def test_published_cycles_close():
    """The networks have a cycle of the named order where an orbit falls onto a stable one."""
    found = 0
    for name in ("plrnn_2d_1", "plrnn_2d_16", "plrnn_10d_10", "alrnn_2d_p1_2"):
        model, order = examples.load(name), examples.info(name).order
        end = model.orbit(np.full(model.n_states, 0.1), 20_000)[-order - 1 :]
        distances = np.abs(end[1:] - end[0]).max(axis=1)
        if distances[-1] < 1e-9 and (distances[:-1] > 1e-6).all():
            found += 1
    assert found >= 3


def test_public_names():
    assert examples.__all__ == [
        "PublishedSystem",
        "RandomNetwork",
        "info",
        "load",
        "lorenz_maxima",
        "lozi_map",
        "names",
        "tent_map",
    ]
