"""The bundled random networks are the ones that were counted, number by number."""

import dataclasses

import numpy as np
import pytest

from rnndyn import examples
from rnndyn.models import PLRNN, ShallowPLRNN
from rnndyn.verify import fingerprint

#: The beginning of the fingerprint of every network: one changed bit changes it.
FINGERPRINTS = {
    "uniform_m10": "17e88a7a9fc0a72c",
    "uniform_m20_weak": "94166a2464c0032d",
    "uniform_m20_strong": "b840d96df58aa17c",
    "uniform_m30": "d63f6494be88cb14",
    "uniform_m50": "ea2e91e4fca5558b",
    "uniform_m30_strong": "42ada89f1308a5e9",
    "gauss_m30_low_gain": "ddd73cf8622e8167",
    "gauss_m30_high_gain": "fbdaa2d1d32e1124",
    "gauss_m40_high_gain": "6f2382991dd0ca12",
    "gauss_m50_high_gain": "835301f65e2044eb",
    "gauss_m50_low_gain": "a42e8f697d6b94aa",
    "gauss_m100_high_gain": "1ecb9cd0135631db",
    "gauss_m100_low_gain": "307856397e105af6",
    "shallow_m2_h10": "cd0175b5bb01027b",
    "shallow_m3_h50": "4fd0c2edfcaaf996",
}
COUNTS = {
    "uniform_m10": {1: 1},
    "uniform_m20_weak": {1: 2},
    "uniform_m20_strong": {1: 7},
    "uniform_m30": {1: 0},
    "uniform_m50": {1: 0},
    "uniform_m30_strong": {1: 0},
    "gauss_m30_low_gain": {1: 2},
    "gauss_m30_high_gain": {1: 0, 2: 0, 3: 0},
    "gauss_m40_high_gain": {1: 1},
    "gauss_m50_high_gain": {1: 0},
    "gauss_m50_low_gain": {1: 0},
    "gauss_m100_high_gain": {1: 0},
    "gauss_m100_low_gain": {1: 0},
    "shallow_m2_h10": {1: 1, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0},
    "shallow_m3_h50": {1: 1},
}


def test_names():
    assert examples.names()[10:] == tuple(FINGERPRINTS)
    assert len(set(examples.names())) == len(examples.names()) == 25


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_no_bit_has_changed(name):
    canonical = examples.load(name).canonical
    arrays = [getattr(canonical, key).tolist() for key in ("A", "W1", "W2", "h1", "h2")]
    assert fingerprint(*arrays)[:16] == FINGERPRINTS[name]


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_families_and_sizes(name):
    model = examples.load(name)
    distribution, size, *rest = name.split("_")
    n_states = int(size.removeprefix("m"))
    if distribution == "shallow":
        assert type(model) is ShallowPLRNN
        assert (model.n_states, model.n_units) == (n_states, int(rest[0].removeprefix("h")))
    else:
        assert type(model) is PLRNN
        assert model.n_states == n_states
        assert (np.diag(model.parameters["W"]) == 0.0).all()


def test_some_numbers_are_those_of_the_source():
    model = examples.load("uniform_m10")
    assert model.parameters["A"][0] == 0.30773202213678874
    assert model.parameters["W"][0, 1] == 0.9009273926518706
    assert model.parameters["h"][9] == -0.08814207391250228


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_info(name):
    known = examples.info(name)
    assert known == examples.RandomNetwork(
        name=name,
        family=examples.load(name).family,
        complete_counts=COUNTS[name],
        box=1000.0,
        source="drawn for this project; counts by branch and bound, checked with HiGHS where it "
        "finished",
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        known.box = 1.0


def test_counts_cannot_be_changed_for_others():
    examples.info("uniform_m10").complete_counts[1] = 5
    assert examples.info("uniform_m10").complete_counts == {1: 1}


@pytest.mark.parametrize(
    ("short", "name"),
    [
        ("uniform-m10", "uniform_m10"),
        ("uniform_m30", "uniform_m30"),
        ("uniform-m30-s", "uniform_m30_strong"),
        ("gauss-m40", "gauss_m40_high_gain"),
        ("shallow-m2", "shallow_m2_h10"),
    ],
)
def test_short_names(short, name):
    assert examples.info(short).name == name
    assert examples.load(short) == examples.load(name)


def test_names_that_do_not_decide():
    with pytest.raises(ValueError, match="could be any of gauss_m100_high_gain, gauss_m100_low"):
        examples.load("gauss-m100")
