"""Files that earlier versions wrote still load, with the numbers that they were made of."""

from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd

FILES = Path(__file__).parent / "golden" / "files"

#: The full tent map; its cycles and its exponent are known in closed form.
TENT = rd.PLRNN([[2.0]], [[-4.0]], [1.0])


def test_a_cycle_set_of_version_1():
    cycles = rd.CycleSet.load(FILES / "cycle_set_1.npz")
    assert cycles.model == TENT
    again = rd.find_cycles(TENT, max_order=3, method="complete", progress=False)
    assert cycles.complete
    for own, new in zip(cycles, again, strict=True):
        # Error bounds depend on the instruction set; what they bound does not.
        np.testing.assert_array_equal(own.itinerary, new.itinerary)
        np.testing.assert_allclose(own.points, new.points, rtol=0, atol=1e-14)
        assert own.stability == new.stability
    assert [cycle.spectral_radius for cycle in cycles] == [2.0, 2.0, 4.0, 8.0, 8.0]


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_a_certificate_of_version_1(suffix):
    certificate = rd.Certificate.load(FILES / f"certificate_1.{suffix}")
    assert certificate.verify(TENT)


def test_a_spectrum_of_version_1():
    spectrum = rd.LyapunovSpectrum.load(FILES / "lyapunov_spectrum_1.npz")
    assert spectrum.exponents[0, 0] == pytest.approx(np.log(2.0), abs=1e-12)
    assert spectrum.n_steps == 40
    assert spectrum.covariant_vectors is not None


def test_a_branch_set_of_version_1():
    branch_set = rd.BranchSet.load(FILES / "branch_set_1.npz")
    # The right slope goes from -1/2 to -3 within ten epochs; the cycle of order 2 has the slope
    # 1/2 times it, until -2.
    assert [event.kind for event in branch_set.events] == ["degenerate_flip"] * 2
    np.testing.assert_allclose([event.value for event in branch_set.events], [2.0, 6.0], atol=1e-9)
    assert len(branch_set.branches) == 2
    assert branch_set.run.version == "0.1.0"
    timeline = rd.Timeline.load(FILES / "branch_set_1.npz")
    assert timeline.branch_set == branch_set
    assert timeline.losses is None


def test_basins_of_version_1():
    basins = rd.Basins.load(FILES / "basins_1.npz")
    # x -> x / 2 + relu(x + 1) - relu(x - 1) - 1 in both coordinates.
    ends = {tuple(np.round(cycle.points[0], 12)) for cycle in basins.attractors}
    assert ends == {(-2.0, -2.0), (-2.0, 2.0), (2.0, -2.0), (2.0, 2.0)}
    for state, label in zip(basins.states.reshape(-1, 2), basins.labels.ravel(), strict=True):
        np.testing.assert_allclose(
            basins.attractors[label].points[0], 2.0 * np.sign(state), atol=1e-12
        )
    assert basins.run.version == "0.1.0"
    assert basins.complete
