"""Proofs of chaos from cycles: entropies that are known, and none where there is no chaos."""

import dataclasses

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from manifold_cases import network
from rnndyn.cli import main
from rnndyn.manifolds.chaos import entropy_of


def proof_of(model, max_order=8, **options):
    cycles = rd.find_cycles(model, max_order, method="search", progress=False)
    return rd.prove_chaos(cycles, **options)


@pytest.mark.parametrize("slope", [1.5, 1.7, 1.9, 2.0, 2.5, 3.5])
def test_the_bound_of_tent_maps_is_below_their_entropy_and_close_to_it(slope):
    """The entropy is the logarithm of the slope, up to two folds of the whole line."""
    proof = proof_of(rd.examples.tent_map(slope), 6)
    assert proof.verify()
    truth = np.log(min(slope, 2.0))
    assert 0.6 * truth < proof.entropy <= truth


@pytest.mark.parametrize("slope", [1.05, 1.2])
def test_maps_that_stretch_little_take_many_steps(slope):
    """Below the root of 2 the attractor falls into bands, which all orbits visit in turn."""
    proof = proof_of(rd.examples.tent_map(slope), 16)
    assert proof.verify()
    assert 0.5 * np.log(slope) < proof.entropy <= np.log(slope)


@pytest.mark.parametrize(("a", "b"), [(1.7, 0.5), (1.6, 0.4), (1.75, 0.3)])
def test_cycles_prove_what_homoclinic_points_prove(a, b):
    proof = proof_of(rd.examples.lozi_map(a, b))
    assert proof.verify(rd.examples.lozi_map(a, b))
    # The curves stretch by less than the largest norm of a Jacobian at each step.
    assert 0.3 < proof.entropy < np.log(a + b)


def test_two_expanding_directions():
    """Two independent tent maps, turned: the entropy is twice that of one."""
    tent = rd.examples.tent_map(2.6)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    both = rd.PiecewiseLinearMap(
        A=turn @ np.diag(np.repeat(tent.A, 2)) @ turn.T,
        W1=turn * float(tent.W.item()),
        W2=turn.T,
        h1=turn @ np.repeat(tent.h, 2),
        h2=np.zeros(2),
    )
    proof = proof_of(both, 3)
    assert len(proof.expanding) == 2
    assert proof.verify()
    assert 0.5 * np.log(2.0) < proof.entropy <= 2.0 * np.log(2.0)


def test_directions_that_contract_in_more_dimensions():
    """A tent map drives two states that turn and decay, so that its entropy is that of all."""
    tent = rd.examples.tent_map(1.8)
    model = rd.PiecewiseLinearMap(
        A=[[float(tent.A.item()), 0.0, 0.0], [0.3, 0.4, -0.3], [0.1, 0.3, 0.4]],
        W1=[[float(tent.W.item())], [0.5], [-0.2]],
        W2=[[1.0, 0.0, 0.0]],
        h1=[float(tent.h.item()), 0.1, 0.2],
        h2=[0.0],
    )
    proof = proof_of(model, 7)
    assert proof.contracting.shape == (2, 3)
    assert proof.verify()
    assert 0.5 * np.log(1.8) < proof.entropy <= np.log(1.8)


@pytest.mark.parametrize("seed", range(drawn(5, 50)))
def test_no_proof_where_all_orbits_go_to_one_cycle(seed):
    """Tent maps with a stable fixed point or 2-cycle, whose inner states all go there."""
    rng = np.random.default_rng(seed)
    left, right = rng.uniform(0.2, 0.9), -rng.uniform(0.2, 2.0)
    if left * -right >= 1.0:
        right = -0.9 / left
    model = rd.PLRNN(A=[[left]], W=[[right - left]], h=[rng.uniform(0.5, 2.0)])
    assert proof_of(model, 6) is None


@pytest.mark.parametrize("seed", range(drawn(10, 200)))
def test_whatever_is_proved_of_random_networks_passes_the_check(seed):
    """And the bound is below that of the norms of all Jacobians."""
    model = network(seed, 2 + seed % 2, 5)
    proof = proof_of(model, 6)
    if proof is not None:
        assert proof.verify(model)
        regions = rd.region_graph(model, box=100.0).regions
        norms = [np.linalg.svd(model.canonical.jacobian(r), compute_uv=False) for r in regions]
        growth = max(np.log(np.maximum(norm, 1.0)).sum() for norm in norms)
        assert proof.entropy <= growth


def test_the_entropy_of_words():
    assert entropy_of([1, 1]) == pytest.approx(np.log(2.0), abs=1e-9)
    assert entropy_of([1, 1]) <= np.log(2.0)
    # x^-1 + x^-2 = 1 is the golden mean.
    assert entropy_of([1, 2]) == pytest.approx(np.log(0.5 + np.sqrt(1.25)), abs=1e-9)
    assert entropy_of([7] * 5) == pytest.approx(np.log(5.0) / 7.0, abs=1e-9)
    assert entropy_of([10_000, 10_000]) > 0.0


def test_a_word_more_or_less_in_a_proof():
    proof = proof_of(rd.examples.lozi_map(1.7, 0.5))
    n = len(proof.words)
    assert n > 2
    fewer = {
        "words": proof.words[1:], "places": proof.places[1:], "half_widths": proof.half_widths[1:]
    }  # fmt: skip
    assert dataclasses.replace(proof, **fewer).verify()
    assert dataclasses.replace(proof, **fewer).entropy < proof.entropy
    twice = [*range(n), 0]
    more = {
        "words": (*proof.words, proof.words[0]),
        "places": proof.places[twice],
        "half_widths": proof.half_widths[twice],
    }
    verdict = dataclasses.replace(proof, **more).verify()
    assert verdict.reasons == ("two strips are not disjoint",)
    with pytest.raises(ValueError, match=r"^words must be two or more, got 1"):
        dataclasses.replace(
            proof, words=proof.words[:1], places=proof.places[:1], half_widths=fewer["half_widths"]
        )
    with pytest.raises(ValueError, match=r"^places must have shape"):
        dataclasses.replace(proof, words=proof.words[1:])


@pytest.mark.parametrize("exponent", [-60, -20, 40])
def test_units_do_not_matter(exponent):
    one = rd.examples.lorenz_maxima()
    scale = 2.0**exponent
    other = one.with_parameters(h1=scale * one.h1, h2=scale * one.h2)
    expected, proof = proof_of(one, 6), proof_of(other, 6)
    assert proof.verify(other)
    assert [*map(len, proof.words)] == [*map(len, expected.words)]
    np.testing.assert_allclose(proof.center, scale * expected.center, rtol=1e-9)


def test_max_length_bounds_the_words():
    lozi = rd.examples.lozi_map(1.7, 0.5)
    proof = proof_of(lozi, max_length=7)
    assert max(map(len, proof.words)) <= 7
    assert proof_of(lozi, max_length=1) is None
    with pytest.raises(ValueError, match=r"^max_length must be between"):
        proof_of(lozi, max_length=0)


def test_what_is_no_cycle_set_is_refused():
    with pytest.raises(TypeError, match=r"^cycles must be a CycleSet"):
        rd.prove_chaos(rd.examples.lozi_map())


def test_a_trained_network_is_proved_to_be_chaotic(tmp_path):
    """The network of the gallery, from its cycles to the file that the command line checks."""
    model = rd.examples.lorenz_maxima()
    proof = proof_of(model)
    # The entropy is not below the exponent, which is 0.656 (estimated with 1e5 steps).
    assert 0.43 < proof.entropy < 0.656
    rd.save_model(model, tmp_path / "network.npz")
    proof.save(tmp_path / "proof.npz")
    assert main(["verify", str(tmp_path / "proof.npz"), str(tmp_path / "network.npz")]) == 0
    rd.save_model(model.with_parameters({"W1[0,0]": 0.6915}), tmp_path / "other.npz")
    assert main(["verify", str(tmp_path / "proof.npz"), str(tmp_path / "other.npz")]) == 1


def test_changed_proofs_of_a_trained_network_are_refused():
    """Whatever is changed by more than the room that the proof has."""
    proof = proof_of(rd.examples.lorenz_maxima(), 6)
    n = len(proof.words)
    rng = np.random.default_rng(0)
    turned = proof.contracting @ [[0.6, -0.8], [0.8, 0.6]]
    changes = [
        {"center": proof.center + 2.0 * proof.half_expanding * proof.expanding[0]},
        {"contracting": turned},
        {"half_expanding": 1.5 * proof.half_expanding},
        {"half_expanding": 0.6 * proof.half_expanding},
        {"half_contracting": 0.2 * proof.half_contracting},
        {"half_contracting": 50.0 * proof.half_contracting},
        {"words": (*proof.words[1:], proof.words[0])},
    ]
    for number in range(n):
        unit = int(rng.integers(proof.model.n_units))
        flipped = proof.words[number].copy()
        flipped[rng.integers(len(flipped)), unit] ^= True
        words = (*proof.words[:number], flipped, *proof.words[number + 1 :])
        narrow, wide = proof.half_widths.copy(), proof.half_widths.copy()
        narrow[number] *= 0.8
        wide[number] *= 20.0
        changes += [{"words": words}, {"half_widths": narrow}, {"half_widths": wide}]
    for change in changes:
        assert not dataclasses.replace(proof, **change).verify(), change
