"""The result class: what it derives from a record, and that nothing of it is NaN."""

import dataclasses
import io
import json
import math
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from lyapunov_records import random_growth, run_record, spectrum_of
from rnndyn.lyapunov._dimension import kaplan_yorke
from rnndyn.lyapunov.spectrum import spectrum_from_record

GOLDEN = Path(__file__).parents[1] / "golden"
HENON = [0.41922, -1.62319]


def check_golden(name, text):
    assert text + "\n" == (GOLDEN / name).read_text("utf-8")


@pytest.fixture
def henon_like():
    """Two sequences with the exponents of the Hénon map and an exact sum."""
    growth = random_growth(HENON)
    growth[..., 1] = 10 * sum(HENON) - growth[..., 0]
    return spectrum_of(growth)


@pytest.fixture
def with_annihilated():
    """Three exponents; the last is -inf in the second sequence, the one before in none."""
    growth = random_growth([0.1, -0.2, -0.5])
    growth[1, 30, 2] = -np.inf
    return spectrum_of(growth)


def as_record(growth, **changes):
    n_sequences, n_windows, m = growth.shape
    return {
        "log_growth": growth,
        "window_steps": np.full(n_windows, 10),
        "layer": np.arange(m),
        "frames": [np.broadcast_to(np.eye(1), (n_sequences, 1, 1))] * m,
        "states": np.zeros((n_sequences, m)),
        "qr_interval": np.full(n_sequences, 2),
        "covariant": None,
        **changes,
    }


def test_a_record_is_sorted_sequence_by_sequence():
    growth = np.zeros((2, 20, 3))
    growth[0] += [10.0, 30.0, -np.inf]
    growth[1] += [30.0, 10.0, 20.0]
    spectrum = spectrum_from_record(as_record(growth), run_record(), 2, joint=False)
    np.testing.assert_allclose(spectrum.exponents, [[3.0, 1.0], [3.0, 2.0]])
    assert spectrum.layer.tolist() == [[1, 0], [0, 2]]
    # The frame stays whole: all layers are needed to go on.
    assert len(spectrum.frame.blocks) == 3


def test_covariant_vectors_are_sorted_with_their_exponents():
    growth = np.zeros((1, 20, 2))
    growth[0] += [10.0, 30.0]
    vectors = np.array([[1.0, 0.0], [0.0, 1.0]])[np.newaxis, np.newaxis]
    covariant = {"steps": np.array([7]), "vectors": vectors}
    record = as_record(growth, covariant=covariant, frames=[np.eye(2)[np.newaxis]])
    spectrum = spectrum_from_record(record, run_record(), 2, joint=False)
    np.testing.assert_array_equal(spectrum.covariant_vectors[0, 0], [[0.0, 1.0], [1.0, 0.0]])
    assert spectrum.covariant_steps.tolist() == [7]


def test_exponents_are_growth_over_steps(henon_like):
    total = henon_like.log_growth.sum(axis=1)
    np.testing.assert_allclose(henon_like.exponents, total / 1000)
    np.testing.assert_allclose(henon_like.pooled, total.mean(axis=0) / 1000)
    assert henon_like.n_steps == 1000
    assert (henon_like.n_sequences, henon_like.n_exponents, henon_like.n_states) == (2, 2, 2)
    assert henon_like.stopped_by == "finished"


def test_errors_and_intervals_are_of_the_right_size(henon_like):
    # Steps are independent with spread 0.1; the largest of several estimates counts.
    assert np.all(henon_like.standard_error > 0.5 * 0.1 / math.sqrt(1000))
    assert np.all(henon_like.standard_error < 2.5 * 0.1 / math.sqrt(1000))
    lower, upper = henon_like.interval()
    np.testing.assert_allclose((lower + upper) / 2, henon_like.exponents)
    # Student's t with 9 degrees of freedom at 97.5 %.
    np.testing.assert_allclose(upper - lower, 2 * 2.2621571628 * henon_like.standard_error)
    assert henon_like.n_batches == 10
    wide_lower, wide_upper = henon_like.interval(0.99)
    assert np.all(wide_lower < lower)
    assert np.all(wide_upper > upper)
    pooled_lower, pooled_upper = henon_like.pooled_interval()
    assert np.all((pooled_lower < HENON) & (pooled_upper > HENON))


@pytest.mark.parametrize("level", [0.0, 1.0, 95, float("nan")])
def test_levels_without_sense_are_refused(henon_like, level):
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        henon_like.interval(level)
    with pytest.raises(TypeError, match="level must be a number"):
        henon_like.pooled_interval("high")


def test_an_exact_sum_has_an_error_of_rounding(henon_like):
    np.testing.assert_allclose(henon_like.exponent_sum, sum(HENON), rtol=1e-12)
    assert np.all(henon_like.exponent_sum_error > 0.0)
    assert np.all(henon_like.exponent_sum_error < 1e-12)


def test_single_precision_has_larger_rounding_errors():
    growth = np.full((1, 100, 1), 10 * math.log(2.0))
    run = run_record(options={"n_steps": 1000, "transient": 0, "dtype": "float32"})
    double, single = spectrum_of(growth), spectrum_of(growth, run=run)
    assert double.standard_error[0, 0] < 1e-14
    assert 1e-7 < single.standard_error[0, 0] < 1e-5


def test_rare_orthonormalizations_cost_digits_of_the_smaller_exponents():
    growth = np.tile([5.0, -15.0, -np.inf], (1, 100, 1))
    # In s steps the second direction lags by exp(2 s), and errors of 2.2e-16 grow as much.
    for interval, expected in ((1, 2.2e-16 * math.exp(2)), (8, 2.2e-16 * math.exp(16) / 8)):
        error = spectrum_of(growth, qr_interval=[interval]).standard_error[0]
        assert error[0] < 5e-14
        assert error[1] == pytest.approx(expected, rel=0.02, abs=1e-13)
        assert error[2] == 0.0
    # Layers are orthonormalized on their own.
    apart = spectrum_of(growth, qr_interval=[8], layer=[[0, 1, 1]]).standard_error[0]
    assert apart[1] == pytest.approx(apart[0])
    # At most all digits are lost.
    assert spectrum_of(growth, qr_interval=[50]).standard_error[0, 1] == pytest.approx(1 / 50)


def test_running_estimates_end_at_the_exponents(henon_like):
    assert henon_like.running.shape == (100, 2, 2)
    np.testing.assert_allclose(henon_like.running[-1], henon_like.exponents)
    np.testing.assert_allclose(henon_like.running[0], henon_like.log_growth[:, 0] / 10)
    assert henon_like.running_steps[[0, -1]].tolist() == [10, 1000]


def test_finite_time_exponents_average_to_the_exponents(henon_like):
    pieces = henon_like.finite_time_exponents()
    assert pieces.shape == (100, 2, 2)
    np.testing.assert_allclose(pieces.mean(axis=0), henon_like.exponents)
    longer = henon_like.finite_time_exponents(70)
    assert longer.shape == (14, 2, 2)
    np.testing.assert_allclose(longer[0], pieces[:7].mean(axis=0))
    assert np.all(longer.std(axis=0) < pieces.std(axis=0))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (15, "multiple of the recorded windows of 10 steps, got 15; take steps=10"),
        (3, "take steps=10"),
        (0, "steps must be between 1 and 1000"),
        (2000, "steps must be between 1 and 1000"),
    ],
)
def test_pieces_of_other_lengths_are_refused(henon_like, steps, message):
    with pytest.raises(ValueError, match=message):
        henon_like.finite_time_exponents(steps)


def test_a_shorter_last_window_ends_no_piece():
    growth = np.ones((1, 5, 1))
    spectrum = spectrum_of(growth, window_steps=[10, 10, 10, 10, 3])
    assert spectrum.finite_time_exponents().shape == (4, 1, 1)
    np.testing.assert_allclose(spectrum.exponents, 5 / 43)


@pytest.mark.parametrize(
    ("exponents", "n_states", "expected"),
    [
        ([0.41922, -1.62319], 2, 1 + 0.41922 / 1.62319),
        ([0.9056, 0.0, -14.572], 3, 2 + 0.9056 / 14.572),
        ([-0.1, -0.2], 2, 0.0),
        ([0.5, -0.2, -0.1, -0.4], 4, 3.5),
        ([0.5, -np.inf], 2, 1.0),
        ([0.3, 0.1], 2, 2.0),
        ([0.0, -1.0], 2, 1.0),
        ([-np.inf, -np.inf], 2, 0.0),
    ],
)
def test_kaplan_yorke_dimensions(exponents, n_states, expected):
    dimension, derivatives = kaplan_yorke(np.array(exponents), n_states)
    assert dimension == pytest.approx(expected)
    finite = np.isfinite(exponents)
    for index in np.flatnonzero(finite & (np.abs(exponents) > 1e-6)):
        moved = np.array(exponents)
        moved[index] += 1e-7
        slope = (kaplan_yorke(moved, n_states)[0] - dimension) / 1e-7
        assert derivatives[index] == pytest.approx(slope, abs=1e-5)


def test_the_dimension_has_a_correlated_error(henon_like):
    np.testing.assert_allclose(henon_like.kaplan_yorke_dimension, 1.258, atol=0.01)
    # d(dimension) = d(first) (1 / 1.623 - 0.419 / 1.623^2), since the second moves oppositely.
    slope = 1 / 1.62319 - 0.41922 / 1.62319**2
    np.testing.assert_allclose(
        henon_like.kaplan_yorke_error, slope * henon_like.standard_error[:, 0], rtol=0.05
    )
    assert henon_like.pooled_kaplan_yorke_dimension == pytest.approx(1.258, abs=0.01)
    assert 0.0 < henon_like.pooled_kaplan_yorke_error < 0.01


def test_near_an_integer_the_dimension_has_the_error_of_the_jump():
    # The largest exponent cannot be told from 0, so the dimension not from 0 or above 1.
    spectrum = spectrum_of(random_growth([-0.001, -1.0], n_sequences=1))
    assert spectrum.exponents[0, 0] < 0.0 < spectrum.interval()[1][0, 0]
    assert spectrum.kaplan_yorke_dimension[0] == 0.0
    assert spectrum.kaplan_yorke_error[0] > 0.2


def test_too_few_exponents_for_the_dimension_say_so():
    spectrum = spectrum_of(random_growth([0.5, 0.1]), n_states=6)
    with pytest.raises(ValueError, match=r"more than the 2 largest exponents.*n_exponents=6"):
        _ = spectrum.kaplan_yorke_dimension
    assert spectrum.to_dict()["pooled"]["kaplan_yorke_dimension"] is None
    assert "kaplan_yorke_dimension" not in spectrum.to_arrays()
    assert "Kaplan" not in repr(spectrum)


def test_the_entropy_sum_counts_positive_exponents():
    spectrum = spectrum_of(random_growth([0.5, 0.25, -1.0]))
    expected = spectrum.exponents[:, :2].sum(axis=1)
    np.testing.assert_allclose(spectrum.entropy_sum, expected)
    assert spectrum.pooled_entropy_sum == pytest.approx(spectrum.pooled[:2].sum())
    assert np.all(spectrum.entropy_sum_error > spectrum.standard_error[:, 0] * 0.5)
    negative = spectrum_of(random_growth([-0.5, -1.0]))
    assert negative.entropy_sum.tolist() == [0.0, 0.0]
    assert negative.pooled_entropy_sum_error == 0.0
    # An exponent that may be positive makes the sum uncertain.
    barely = spectrum_of(exact_growth([-0.001]))
    assert barely.entropy_sum[0] == 0.0
    assert barely.entropy_sum_error[0] > 0.001


def test_converged_needs_a_small_error_and_no_correlation(henon_like):
    assert henon_like.converged.all()
    assert henon_like.pooled_converged.all()
    assert not henon_like.is_converged(1e-6).any()
    assert henon_like.is_converged(0.1).all()
    with pytest.raises(ValueError, match="tolerance must be a positive number"):
        henon_like.is_converged(0.0)
    drifting = np.linspace(10.0, 5.0, 100).reshape(1, 100, 1)
    drifting = spectrum_of(drifting)
    assert drifting.autocorrelated.all()
    assert not drifting.is_converged(10.0).any()
    assert not drifting.pooled_converged.any()
    assert "Errors uncertain for 1 of 1 exponents" in repr(drifting)


def test_converged_does_not_depend_on_units(henon_like):
    for units in ({"dt": 0.001}, {"base": 2}, {"base": 0.5}):
        np.testing.assert_array_equal(henon_like.in_units(**units).converged, henon_like.converged)


def test_an_annihilated_direction_is_minus_infinity_without_error(with_annihilated):
    spectrum = with_annihilated
    assert spectrum.exponents[1, 2] == -np.inf
    assert spectrum.standard_error[1, 2] == 0.0
    assert spectrum.converged[1, 2]
    lower, upper = spectrum.interval()
    assert lower[1, 2] == upper[1, 2] == -np.inf
    # Only one of the two sequences has it: nothing is known of the mean but its value.
    assert spectrum.pooled[2] == -np.inf
    assert spectrum.pooled_standard_error[2] == np.inf
    assert spectrum.pooled_interval()[1][2] == np.inf
    assert not spectrum.pooled_converged[2]
    assert spectrum.batch_std[2] == np.inf
    assert spectrum.exponent_sum[1] == -np.inf
    assert spectrum.exponent_sum_error[1] == 0.0


def test_nothing_is_nan(with_annihilated, henon_like):
    all_annihilated = spectrum_of(np.full((2, 30, 2), -np.inf))
    single_window = spectrum_of(random_growth([0.1, -0.5], n_windows=1))
    for spectrum in (with_annihilated, henon_like, all_annihilated, single_window):
        for name, array in spectrum.to_arrays().items():
            assert not np.isnan(array).any(), name
        for value in (spectrum.batch_max, spectrum.batch_std, *spectrum.pooled_interval()):
            assert not np.isnan(value).any()
        json.dumps(spectrum.to_dict(), allow_nan=False)
        assert "nan" not in repr(spectrum)
    assert np.all(single_window.standard_error == np.inf)
    assert single_window.autocorrelated.all()


def test_statistics_over_the_batch(henon_like):
    np.testing.assert_array_equal(henon_like.batch_max, henon_like.exponents.max(axis=0))
    np.testing.assert_allclose(henon_like.batch_std, henon_like.exponents.std(axis=0, ddof=1))
    assert spectrum_of(random_growth([0.1], n_sequences=1)).batch_std is None


def test_units_rescale_values_and_errors(henon_like):
    bits = henon_like.in_units(dt=0.01, base=2)
    factor = 100 / math.log(2)
    assert bits.units.text == "bits per second"
    for name in ("exponents", "standard_error", "pooled", "pooled_standard_error", "running",
                 "exponent_sum", "exponent_sum_error", "entropy_sum", "entropy_sum_error",
                 "batch_std", "batch_max"):  # fmt: skip
        np.testing.assert_allclose(
            getattr(bits, name), factor * getattr(henon_like, name), err_msg=name
        )
    np.testing.assert_allclose(bits.interval()[0], factor * henon_like.interval()[0])
    np.testing.assert_allclose(
        bits.finite_time_exponents(20), factor * henon_like.finite_time_exponents(20)
    )
    assert bits.pooled_entropy_sum == pytest.approx(factor * henon_like.pooled_entropy_sum)
    np.testing.assert_array_equal(bits.kaplan_yorke_dimension, henon_like.kaplan_yorke_dimension)
    # Back to steps and nats; the duration of a step stays known.
    back = bits.in_units(per="step", base=math.e)
    np.testing.assert_array_equal(back.exponents, henon_like.exponents)
    assert back.in_units("second", base=2) == bits
    assert back != henon_like


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ({"per": "minute"}, "per must be 'step' or 'second', got 'minute'"),
        ({"per": "second"}, "per='second' needs dt"),
        ({"dt": 0.0}, "dt must be a positive, finite number of seconds"),
        ({"base": 1}, "base must not be 1"),
        ({"base": -2}, "base must be a positive"),
    ],
)
def test_units_without_sense_are_refused(henon_like, units, message):
    with pytest.raises(ValueError, match=message):
        henon_like.in_units(**units)


def with_vectors(vectors):
    vectors = np.asarray(vectors, dtype=float)
    n_sequences, n_samples, n_states, m = vectors.shape
    return spectrum_of(
        random_growth(-np.arange(m, dtype=float), n_sequences),
        n_states=n_states,
        covariant_steps=np.arange(n_samples),
        covariant_vectors=vectors,
    )


def test_angles_between_covariant_vectors():
    tiny = 1e-9
    vectors = np.stack([[1.0, 0.0], [-math.cos(tiny), math.sin(tiny)], [0.6, 0.8]], axis=1)
    angles = with_vectors(np.concatenate([vectors, np.zeros((1, 3))])[None, None])
    expected = np.array([[0, tiny, math.acos(0.6)], [tiny, 0, math.acos(0.6) + tiny],
                         [math.acos(0.6), math.acos(0.6) + tiny, 0]])  # fmt: skip
    np.testing.assert_allclose(angles.covariant_angles()[0, 0], expected, rtol=1e-6)


def test_the_smallest_angle_between_two_spans():
    # A plane and a line that leaves it by 0.3 rad, then by a tiny angle: no pair is that close.
    for angle in (0.3, 1e-10):
        line = np.array([math.cos(angle) * math.sqrt(0.5)] * 2 + [math.sin(angle)])
        vectors = np.column_stack([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], line])
        spectrum = with_vectors(vectors[None, None])
        assert spectrum.smallest_angle(2)[0, 0] == pytest.approx(angle, rel=1e-5)
        assert spectrum.covariant_angles()[0, 0][2, :2].min() > 0.7
        # The other split: a line, and a plane with the normal e2 x line.
        sine, cosine = math.sin(angle), math.cos(angle)
        expected = math.asin(sine / math.hypot(sine, cosine * math.sqrt(0.5)))
        assert spectrum.smallest_angle(1)[0, 0] == pytest.approx(expected, rel=1e-5)


def test_angles_need_vectors(henon_like):
    for call in (henon_like.covariant_angles, lambda: henon_like.smallest_angle(1)):
        with pytest.raises(ValueError, match=r"no covariant vectors.*covariant=100"):
            call()
    spectrum = with_vectors(np.eye(3)[None, None])
    for k in (0, 3):
        with pytest.raises(ValueError, match="k must be between 1 and 2"):
            spectrum.smallest_angle(k)
    with pytest.raises(ValueError, match="at least two exponents"):
        with_vectors(np.eye(3)[None, None, :, :1]).smallest_angle(1)


def test_a_spectrum_is_a_value(henon_like, with_annihilated):
    for spectrum in (henon_like, with_annihilated, with_vectors(np.eye(3)[None, None])):
        copy = pickle.loads(pickle.dumps(spectrum))
        assert copy == spectrum
        assert repr(copy) == repr(spectrum)
        for value in (copy.exponents, copy.log_growth, copy.running, copy.autocorrelated):
            with pytest.raises(ValueError, match="read-only"):
                value.flat[0] = 1
        with pytest.raises(dataclasses.FrozenInstanceError):
            copy.per = "second"
        with pytest.raises(TypeError):
            hash(spectrum)
    assert henon_like != with_annihilated
    assert henon_like != "spectrum"


def test_equality_is_about_the_result_not_the_effort(henon_like):
    growth = henon_like.log_growth
    same = spectrum_of(growth, run=run_record(seconds=99.0, n_threads=7, version="0.0.1"))
    assert same == henon_like
    assert spectrum_of(growth, run=run_record(seed=8)) != henon_like
    assert spectrum_of(growth, run=run_record(stopped_by="interrupt")) != henon_like
    assert spectrum_of(growth + 1e-15) != henon_like
    assert spectrum_of(growth, qr_interval=[4, 5]) != henon_like


def test_saving_loses_nothing(tmp_path, henon_like, with_annihilated):
    path = tmp_path / "spectrum.npz"
    units = henon_like.in_units(dt=0.01, base=2)
    for spectrum in (henon_like, with_annihilated, units, with_vectors(np.eye(3)[None, None])):
        spectrum.save(path)
        loaded = rd.LyapunovSpectrum.load(path)
        assert loaded == spectrum
        assert loaded.run.to_dict() == spectrum.run.to_dict()
        assert repr(loaded) == repr(spectrum)
    henon_like.save(tmp_path / "again.npz")
    henon_like.save(path)
    assert path.read_bytes() == (tmp_path / "again.npz").read_bytes()


def rewrite(path, change):
    """Write the file again with changed members."""
    with np.load(path) as archive:
        members = dict(archive)
    change(members)
    np.savez(path, **members)


def change_header(**entries):
    def change(members):
        header = json.loads(str(members["header"]))
        header.update(entries)
        members["header"] = np.array(json.dumps(header))

    return change


def replace_member(name, array):
    return lambda members: members.update({name: array})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_header(format="rnndyn cycle set"), 'does not say "format"'),
        (change_header(format_version=3), "version 3, this rnndyn reads versions up to 2"),
        (change_header(units={"per": "second", "dt": None, "base": 2.0}), "needs dt"),
        (change_header(n_frame_blocks=2), "'frame_1' is missing"),
        (change_header(run={}), "is missing"),
        (lambda members: members.pop("header"), "it has no header"),
        (lambda members: members.pop("states"), "'states' is missing"),
        (replace_member("layer", np.zeros((2, 5), dtype=int)), "layer must have shape"),
        (replace_member("layer", np.zeros((2, 2))), "member 'layer' holds float64"),
        (replace_member("states", np.full((2, 2), np.nan)), "member 'states' holds NaN"),
        (replace_member("log_growth", np.zeros((2, 0, 2))), "log_growth must have shape"),
        (replace_member("log_growth", np.full((2, 100, 2), np.inf)), "finite numbers or -inf"),
        (replace_member("window_steps", np.zeros(100, dtype=int)), "at least 1"),
        (replace_member("qr_interval", np.zeros(2, dtype=int)), "qr_interval must be at least 1"),
        (replace_member("orbit", np.full(2, -7)), "orbit must hold periods"),
        (replace_member("orbit", np.zeros(3, dtype=int)), "orbit must have shape"),
        (lambda members: members.pop("orbit"), "'orbit' is missing"),
        (replace_member("cycle_error", np.full((2, 2), -1.0)), "cycle_error at least 0"),
        (replace_member("cycle_exponents", np.zeros((2, 1))), "cycle_exponents must have shape"),
        (replace_member("frame_0", np.eye(2)), "a tangent frame needs blocks"),
        (replace_member("frame_0", np.eye(2)[None]), "frame must be of 2 sequences"),
        (replace_member("covariant_steps", np.arange(3)), "'covariant_vectors' is missing"),
    ],
)
def test_damaged_files_are_refused(tmp_path, henon_like, change, message):
    path = tmp_path / "spectrum.npz"
    henon_like.save(path)
    rewrite(path, change)
    with pytest.raises(ValueError, match=message) as caught:
        rd.LyapunovSpectrum.load(path)
    assert str(path) in str(caught.value)


def test_no_pickle_and_no_huge_file_gets_through(tmp_path, henon_like):
    path = tmp_path / "spectrum.npz"
    henon_like.save(path)
    with pytest.raises(ValueError, match="more than max_bytes = 1000"):
        rd.LyapunovSpectrum.load(path, max_bytes=1000)
    stream = io.BytesIO()
    np.save(stream, np.array([object()]), allow_pickle=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("extra.npy", stream.getvalue())
    with pytest.raises(ValueError, match="extra"):
        rd.LyapunovSpectrum.load(path)


def test_a_data_frame_has_a_row_for_each_exponent(henon_like):
    pytest.importorskip("pandas")
    frame = henon_like.to_dataframe()
    assert list(frame["sequence"]) == [0, 0, 1, 1]
    assert list(frame["index"]) == [0, 1, 0, 1]
    np.testing.assert_array_equal(frame["exponent"], henon_like.exponents.ravel())
    np.testing.assert_array_equal(frame["upper"], henon_like.interval()[1].ravel())


def test_a_dataset_has_named_dimensions(with_annihilated):
    pytest.importorskip("xarray")
    dataset = with_annihilated.in_units(base=2).to_xarray()
    assert dict(dataset.sizes) == {"sequence": 2, "exponent": 3, "window": 100, "state": 3}
    assert dataset.exponents.sel(sequence=1, exponent=2) == -np.inf
    assert dataset["running"].dims == ("window", "sequence", "exponent")
    assert dataset.attrs["units"] == "bits per step"
    vectors = with_vectors(np.eye(3)[None, None]).to_xarray()
    assert vectors["covariant_vectors"].dims == ("sequence", "sample", "state", "exponent")


def exact_growth(means, n_sequences=1):
    """Window sums that alternate about their means by a tenth."""
    growth = np.tile(10 * np.asarray(means, dtype=float), (n_sequences, 100, 1))
    growth += np.where(np.arange(100) % 4 < 2, 0.1, -0.1)[:, np.newaxis]
    growth += 0.3 * np.arange(n_sequences)[:, np.newaxis, np.newaxis]
    return growth


def test_prints():
    check_golden("lyapunov_single.txt", repr(spectrum_of(exact_growth([0.4, -0.01, -np.inf]))))
    several = spectrum_of(exact_growth([0.4, 0.0, -1.0], n_sequences=3)).in_units(dt=0.01)
    check_golden("lyapunov_several.txt", repr(several))
    check_golden("lyapunov_several.html", several._repr_html_())
    run = run_record(
        stopped_by="time_limit", options={"n_steps": 50_000, "transient": 0, "dtype": "float64"}
    )
    layer = np.arange(40)[np.newaxis] % 2
    stopped = spectrum_of(
        exact_growth(-np.arange(40) / 10), layer=layer, n_states=1234, run=run
    ).in_units(base=2)
    check_golden("lyapunov_stopped.txt", repr(stopped))


def test_the_run_prints_and_survives(henon_like):
    text = repr(run_record())
    assert text.startswith("LyapunovRun: finished after 0.25 s on 2 threads, seed 7")
    assert "3 by Householder reflections" in text
    assert pickle.loads(pickle.dumps(henon_like.run)) == henon_like.run
    assert run_record(stopped_by="interrupt").complete is False
    with pytest.raises(ValueError, match="stopped_by must be one of finished, time_limit"):
        run_record(stopped_by="tired")


def test_frames_are_values():
    frame = rd.lyapunov.TangentFrame([np.eye(3, 2)[np.newaxis], np.eye(4, 2)[np.newaxis]])
    assert repr(frame) == "TangentFrame(n_sequences=1, shapes=[(3, 2), (4, 2)], joint=False)"
    assert pickle.loads(pickle.dumps(frame)) == frame
    assert frame.n_vectors == 2
    assert frame != rd.lyapunov.TangentFrame([np.eye(3, 2)[np.newaxis]])
    assert frame != "frame"
    for blocks, joint in [([], False), ([np.eye(2)], False), ([np.eye(2, 3)[None]], False),
                          ([np.eye(2)[None], np.eye(2)[[0, 1]][None].repeat(2, 0)], False),
                          ([np.eye(2)[None]] * 2, True)]:  # fmt: skip
        with pytest.raises(ValueError, match="a tangent frame needs blocks"):
            rd.lyapunov.TangentFrame(blocks, joint)
    with pytest.raises(ValueError, match="finite numbers"):
        rd.lyapunov.TangentFrame([np.full((1, 2, 2), np.nan)])
