"""Connecting orbits against closed formulas, and proofs of chaos."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from manifold_cases import cycles_of, network, step
from rnndyn.manifolds._arguments import n_expanding

#: Parameters of the Lozi map at which its attractor is a horseshoe and more.
CHAOTIC = [(1.7, 0.5), (1.6, 0.4), (1.75, 0.3)]


def lozi(a, b):
    return rd.find_cycles(rd.examples.lozi_map(a, b), 1, progress=False)


@pytest.mark.parametrize(("a", "b"), CHAOTIC)
def test_homoclinic_points_of_the_lozi_map_are_those_of_the_formula(a, b):
    """(x, y) -> (1 - a |x| + y, b x): on each word the orbit of a line is an affine function."""
    found = rd.homoclinic_points(lozi(a, b), depth=8)
    assert found.homoclinic.sum() >= 2
    # The fixed point with x > 0, and the slopes of its eigenvectors (l, b) with l^2 + a l - b = 0.
    x = 1.0 / (1.0 + a - b)
    fixed = np.array([x, b * x])
    root = np.sqrt(a * a / 4.0 + b)
    expanding, contracting = -a / 2.0 - root, -a / 2.0 + root
    along = np.array([expanding, b])
    across = np.array([b, -contracting])  # orthogonal to (contracting, b)
    for number in np.flatnonzero(found.homoclinic):
        cycle = found.cycles[found.sources[number]]
        if cycle.points[0, 0] < 0.0:
            continue
        # F of a word sends fixed + s along to p + s q; s is where that meets the stable line.
        p, q = fixed, along
        for region in found.word(number):
            inner = found.model.canonical.jacobian(region)
            p, q = inner @ p + found.model.canonical.offset(region), inner @ q
        s = across @ (fixed - p) / (across @ q)
        np.testing.assert_allclose(found.points[number], fixed + s * along, atol=1e-10)
        # The regions are those of the signs of x along the true orbit.
        state = found.points[number]
        for region in found.word(number):
            np.testing.assert_array_equal(found.model.canonical.region(state), region)
            state = np.array([1.0 - a * abs(state[0]) + state[1], b * state[0]])
        np.testing.assert_allclose(across @ (state - fixed), 0.0, atol=1e-9)


@pytest.mark.parametrize("seed", range(drawn(8, 100)))
def test_connecting_orbits_arrive_and_come_from_where_they_say(seed):
    n_states = 2 + seed % 2
    cycles = cycles_of(network(seed, n_states, 4), 2)
    found = rd.homoclinic_points(cycles, depth=4, box=50.0, n_threads=1)
    for number in range(len(found)):
        target = found.cycles[found.targets[number]]
        source = found.cycles[found.sources[number]]
        assert n_expanding(target) == n_expanding(source)
        state = found.points[number]
        for _ in range(int(found.lengths[number])):
            state = step(found.model, state[np.newaxis])[0]
        ends = rd.manifold(target, depth=0, box=50.0).pieces
        phase = int(found.target_phases[number])
        assert ends.excess(state[np.newaxis])[0, phase] < 1e-7
        starts = rd.manifold(source, "unstable", depth=0, box=50.0).pieces
        phase = int(found.source_phases[number])
        assert starts.excess(found.points[number][np.newaxis])[0, phase] < 1e-7


@pytest.mark.parametrize(("a", "b"), CHAOTIC)
def test_the_lozi_map_is_proved_to_be_chaotic(a, b):
    proof = rd.homoclinic_points(lozi(a, b), depth=8).chaos()
    assert proof.verify()
    assert proof.verify(rd.examples.lozi_map(a, b)).n_itineraries == len(proof.words)
    assert 0.3 < proof.entropy < np.log(2.0)
    assert "Chaotic" in repr(proof)


@pytest.mark.parametrize("seed", range(drawn(5, 50)))
def test_no_proof_of_chaos_for_networks_that_contract(seed):
    rng = np.random.default_rng(seed)
    n = 3
    weights = rng.normal(size=(n, n))
    # Every Jacobian diag(a) + W D has a norm below 1.
    weights *= 0.4 / np.linalg.norm(weights, 2)
    model = rd.PLRNN(rng.uniform(-0.5, 0.5, n), weights, rng.normal(size=n))
    cycles = rd.find_cycles(model, 3, progress=False)
    assert rd.prove_chaos(cycles) is None
    found = rd.homoclinic_points(cycles)
    assert len(found) == 0
    assert found.chaos() is None


@pytest.mark.parametrize("seed", range(drawn(5, 50)))
def test_no_proof_of_chaos_for_maps_that_rise(seed):
    """Both components are rising functions of themselves alone: all orbits go to fixed points."""
    rng = np.random.default_rng(seed)
    model = rd.PiecewiseLinearMap(
        A=np.diag(rng.uniform(0.1, 0.9, 2)),
        W1=np.kron(np.eye(2), rng.uniform(0.7, 1.5) * np.array([1.0, -1.0])),
        W2=np.kron(np.eye(2), [[1.0], [1.0]]),
        h1=rng.normal(size=2) - 1.0,
        h2=[1.0, -1.0, 1.0, -1.0],
    )
    cycles = rd.find_cycles(model, 2, progress=False)
    assert rd.prove_chaos(cycles) is None
    found = rd.homoclinic_points(cycles, depth=6)
    assert not found.homoclinic.any()
    assert found.chaos() is None


def test_a_horseshoe_of_the_line_by_hand():
    """A tent map with slope 4 sends [1/8, 3/8] and [5/8, 7/8] onto [0, 1]: entropy log 2."""
    tent = rd.PiecewiseLinearMap(A=[[4.0]], W1=[[-8.0]], W2=[[1.0]], h1=[-0.5], h2=[-0.5])
    proof = rd.ChaosCertificate(
        tent,
        center=[0.5],
        expanding=[[1.0]],
        contracting=np.empty((0, 1)),
        half_expanding=[0.5],
        half_contracting=[],
        words=([[False]], [[True]]),
        places=[[-0.25], [0.25]],
        half_widths=[[0.13], [0.13]],
    )
    assert proof.verify()
    assert proof.entropy == pytest.approx(np.log(2.0))


CHANGES = {
    "an image does not reach across": {"half_widths": lambda value: value * 0.5},
    "does not stay in the regions": {"words": lambda words: (*words[:-1], ~words[-1])},
    "a strip is not inside": {"places": lambda value: value + 10.0},
    "two strips are not disjoint": {"places": lambda value: np.repeat(value[:1], len(value), 0)},
    "an image is too wide in a contracting": {"half_contracting": lambda value: value * 1e-9},
    "a half width is not positive": {"half_expanding": lambda value: -value},
    "depend on each other": {"contracting": lambda value: value * 0.0},
}


@pytest.fixture(scope="module")
def proof_of_lozi():
    return rd.homoclinic_points(lozi(1.7, 0.5), depth=6).chaos()


@pytest.mark.parametrize("reason", CHANGES)
def test_a_proof_that_was_changed_is_refused(reason, proof_of_lozi):
    proof = proof_of_lozi
    changes = {name: change(getattr(proof, name)) for name, change in CHANGES[reason].items()}
    verdict = dataclasses.replace(proof, **changes).verify()
    assert not verdict
    assert reason in verdict.reasons[0]
    other = proof.verify(rd.examples.lozi_map(1.71, 0.5))
    assert "another network" in other.reasons[0]


def test_orbits_follow_a_long_random_sequence_of_the_words(proof_of_lozi):
    """What the proof says, seen: the one start on a line for twelve words, all in fractions."""
    proof = proof_of_lozi
    letters = np.random.default_rng(0).integers(0, len(proof.words), 12)
    assert len(set(letters.tolist())) > 3
    exact = np.vectorize(Fraction, otypes=[object])
    canonical = proof.model.canonical
    regions = np.concatenate([proof.words[letter] for letter in letters])
    center, along = exact(proof.center), exact(proof.expanding[0])
    # Across the contracting direction: what is measured here is how far a state is along the other.
    across = exact(np.array([-proof.contracting[0, 1], proof.contracting[0, 0]]))
    moved, stretched = center, along
    for region in regions:
        jacobian = exact(canonical.jacobian(region))
        moved = jacobian @ moved + exact(canonical.offset(region))
        stretched = jacobian @ stretched
    state = center + along * (across @ (center - moved) / (across @ stretched))
    for letter in letters:
        place = across @ (state - center) / (across @ along)
        assert abs(place - Fraction(proof.places[letter, 0])) <= proof.half_widths[letter, 0]
        for region in proof.words[letter]:
            value = exact(canonical.W2) @ state + exact(canonical.h2)
            np.testing.assert_array_equal(value > 0, region)
            jacobian = exact(canonical.jacobian(region))
            state = jacobian @ state + exact(canonical.offset(region))
    assert across @ (state - center) == 0


def test_what_is_no_cycle_set_is_refused():
    with pytest.raises(TypeError, match=r"^cycles must be a CycleSet"):
        rd.homoclinic_points(rd.examples.lozi_map())
