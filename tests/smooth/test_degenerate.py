"""Degenerate fixed points and cycles: one is listed, not certified, with a bound that holds."""

import numpy as np
import pytest

import rnndyn as rd


def tanh(W, h=None):
    return rd.RNN(None, np.atleast_2d(W), None, h)


def fold():
    """A map that touches the identity at ``sqrt(1 / 2)``, and has another fixed point."""
    z = np.sqrt(0.5)
    return tanh([[2.0]], [np.arctanh(z) - 2.0 * z])


def lstm():
    """Its input gate is open and its forget gate closed: ``h = tanh(tanh(2 h)) / 2``."""
    return rd.LSTM(None, [[0.0], [0.0], [2.0], [0.0]], None, [20.0, -20.0, 0.0, 0.0])


S = np.array([[1.0, 2.0, 0.5], [2.0, -1.0, 1.0], [0.5, 1.0, 0.3]])
CASES = {
    "pitchfork": (tanh([[1.0]]), [0.0], 2e-4),
    "tied": (tanh([[0.5, 0.5], [0.5, 0.5]]), [0.0, 0.0], 2e-4),
    "symmetric": (tanh(S / np.linalg.eigvalsh(S).max()), [0.0, 0.0, 0.0], 2e-4),
    "two": (tanh(np.eye(2)), [0.0, 0.0], 2e-4),
    # 0 = z^5 up to a factor: quintic.
    "quintic": (tanh([[2.0, 1.0], [-1.0, 0.0]]), [0.0, 0.0], 2e-2),
    "fold": (fold(), [np.sqrt(0.5)], 1e-5),
    "gru": (rd.GRU(None, [[0.0], [0.0], [2.0]]), [0.0], 2e-4),
    "lstm": (lstm(), [0.0, 0.0], 2e-4),
}


@pytest.mark.parametrize("method", ["auto", "complete", "search"])
@pytest.mark.parametrize("name", CASES)
def test_one_point_with_a_bound_is_listed(name, method):
    model, expected, largest = CASES[name]
    found = rd.find_fixed_points(model, method=method, time_limit=2.0, progress=False)
    (point,) = [cycle for cycle in found if not cycle.certified]
    assert point.is_degenerate
    assert point.stability == "nonhyperbolic"
    assert np.abs(point.points[0] - expected).max() <= point.error_bound < largest
    assert point.spectral_radius == pytest.approx(1.0, abs=0.01)
    assert point.residual < 1e-10
    assert "degenerate, with a multiplier 1 within rounding errors" in repr(found)
    assert "degenerate, not verified" in point._repr_html_()
    assert found.index_expected is None
    if name == "fold":
        (other,) = [cycle for cycle in found if cycle.certified]
        assert other.stability == "stable"
    else:
        assert len(found) == 1


def test_it_is_the_same_for_any_number_of_threads_and_in_files(tmp_path):
    for name in ("pitchfork", "fold", "two"):
        one, two = (rd.find_fixed_points(CASES[name][0], n_threads=n) for n in (1, 2))
        assert one == two
    one.save(tmp_path / "point.npz")
    again = rd.load_result(tmp_path / "point.npz")
    assert again == one
    assert again[0].is_degenerate


@pytest.mark.parametrize("power", range(2, 11))
@pytest.mark.parametrize("kind", ["rnn", "gru"])
def test_certified_points_are_never_joined(power, kind):
    """Past the pitchfork there are three: ``z = tanh(w z)`` with ``z^2 / 3 = w - 1`` nearly."""
    w = 1.0 + 10.0**-power
    model = tanh([[w]]) if kind == "rnn" else rd.GRU(None, [[0.0], [0.0], [2.0 * w]])
    found = rd.find_fixed_points(model)
    certified = [point for point in found if point.certified]
    if power <= 8:
        assert len(certified) == len(found) == 3
        assert found.index_sum == 1
        low, middle, high = (point.points[0, 0] for point in found)
        assert low < middle < high
        assert middle == pytest.approx(0.0, abs=1e-12)
        assert not any(point.is_degenerate for point in found)
    else:
        # Whatever is not certified is near one of the three.
        size = np.sqrt(3.0 * 10.0**-power)
        for point in found:
            nearest = np.abs(point.points[0, 0] - np.array([-size, 0.0, size])).min()
            assert nearest <= (point.error_bound if point.is_degenerate else 0.1 * size)


def test_a_cycle_that_cannot_be_told_from_a_fixed_point_is_counted_and_not_listed():
    flip = rd.find_cycles(tanh([[-1.0]]), 2, method="search")
    assert [(cycle.order, cycle.certified) for cycle in flip] == [(1, True)]
    assert flip.search.orders[1].n_undecided > 0
    assert "may or may not be cycles; they are not listed" in repr(flip)
    beyond = rd.find_cycles(tanh([[-1.0 - 1e-6]]), 2)
    assert [(cycle.order, cycle.certified) for cycle in beyond] == [(1, True), (2, True)]


def test_a_degenerate_cycle():
    """Units that hand their values over: of ``f(g(z))`` q is a fold, and p another fixed point.

    Then p and g(q), and after one step q and g(p), are a cycle of order 2.
    """
    q, w21 = 0.7, 1.5
    y = np.tanh(w21 * q)
    w12 = 1.0 / ((1.0 - q**2) * w21 * (1.0 - y**2))
    model = tanh([[0.0, w12], [w21, 0.0]], [np.arctanh(q) - w12 * y, 0.0])
    found = rd.find_cycles(model, 2, method="search")
    first, last = found.of_order(1)
    assert (first.certified, last.is_degenerate) == (True, True)
    assert np.abs(last.points[0] - [q, y]).max() <= last.error_bound < 1e-5
    (cycle,) = found.of_order(2)
    assert cycle.is_degenerate
    p = first.points[0, 0]
    turned = min(cycle.points, np.roll(cycle.points, 1, axis=0), key=lambda z: abs(z[0, 0] - p))
    expected = [[p, y], [q, np.tanh(w21 * p)]]
    assert np.abs(turned - expected).max() <= cycle.error_bound < 1e-5


def test_a_double_one_of_a_swap():
    found = rd.find_cycles(tanh([[0.0, 1.0], [1.0, 0.0]]), 2, method="search")
    assert [cycle.order for cycle in found] == [1]
    assert found[0].is_degenerate


def test_points_that_stand_still_far_from_each_other_stay_apart():
    """Cells that forget nothing: every state stands still within rounding errors."""
    closed = rd.LSTM(None, np.zeros((4, 1)), None, [-60.0, 60.0, 0.0, -60.0])
    found = rd.find_fixed_points(closed, method="search", time_limit=3.0)
    doubtful = [point for point in found if not point.certified]
    for point in doubtful:
        assert not point.is_degenerate or point.error_bound < 0.05


def test_others_are_not_degenerate():
    tent = rd.find_cycles(rd.examples.tent_map(), 2)
    assert not any(cycle.is_degenerate for cycle in tent)
    border = rd.find_cycles(rd.PLRNN([[0.5]], [[0.2]], [0.0]), 1)
    assert not any(cycle.is_degenerate for cycle in border)
