"""Looking ahead, and raising alpha, against bifurcations whose place is known."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rnndyn as rd  # noqa: E402
from rnndyn import training  # noqa: E402

from .cases import circle, network  # noqa: E402

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "radam": lambda p: torch.optim.RAdam(p, lr=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_extrapolation_is_the_next_step_and_leaves_everything_as_it_was(name):
    module = network("shallow", size=0.1)
    optimizer = OPTIMIZERS[name](module.parameters())

    def gradient():
        optimizer.zero_grad()
        module(torch.ones(3, dtype=torch.float64)).square().sum().backward()

    for _ in range(7):
        gradient()
        optimizer.step()
    gradient()
    before = module.to_model()
    state = copy.deepcopy(optimizer.state_dict())
    ahead = training.extrapolated(module, optimizer, 1).to_model()
    far = training.extrapolated(module, optimizer, 10).to_model()
    assert module.to_model() == before
    for own, kept in zip(
        optimizer.state_dict()["state"].values(), state["state"].values(), strict=True
    ):
        assert all(torch.equal(torch.as_tensor(own[k]), torch.as_tensor(kept[k])) for k in own)
    optimizer.step()
    after = module.to_model()
    np.testing.assert_allclose(ahead.W1, after.W1, rtol=0, atol=1e-15)
    np.testing.assert_allclose(far.W1, before.W1 + 10.0 * (after.W1 - before.W1), atol=1e-13)
    assert not np.array_equal(after.W1, before.W1)


def looking_at(weight, **options):
    """A look-ahead at a network whose weight falls by 0.1 each step; it flips at -1.5."""
    module = training.to_trainable(rd.PLRNN([[0.5]], [[weight]], [1.0]))
    optimizer = torch.optim.SGD([module.W], lr=0.1)
    module.W.sum().backward()
    return module, optimizer, training.LookAhead(**options)


@pytest.mark.parametrize(("weight", "expected"), [(-1.2, [3.0]), (-0.4, []), (-1.6, [])])
def test_what_is_ahead_is_seen_and_what_is_behind_or_far_is_not(weight, expected):
    seen = []
    module, optimizer, look_ahead = looking_at(weight, n_steps=5, action=seen.append)
    assert look_ahead.before_step(module, optimizer) is False
    assert [event.value for event in look_ahead.outlook.events] == pytest.approx(expected)
    assert seen == [look_ahead.outlook]
    assert (look_ahead.n_looks, look_ahead.n_warnings) == (1, len(expected))
    assert look_ahead.outlook.ahead.W.item() == pytest.approx(weight - 0.5)
    assert module.W.item() == weight


def test_looking_again_follows_what_is_known():
    module, optimizer, look_ahead = looking_at(-1.0, n_steps=4, every=2)
    values = []
    for _ in range(10):
        look_ahead.before_step(module, optimizer)
        values.append([round(event.value, 6) for event in look_ahead.outlook.events])
        optimizer.step()
    # Looks at -1.0, -1.2, -1.4, -1.6, -1.8, each followed by a call that does not look.
    assert values == [[], [], [3.0], [3.0], [1.0], [1.0], [], [], [], []]


def test_forcing_is_raised_until_the_forced_map_has_no_event_and_sinks_again():
    forcing = training.GeneralizedForcing(0.05)
    action = training.RaiseForcing(forcing, step=0.01, relax=0.5)
    module, optimizer, look_ahead = looking_at(-1.2, n_steps=5, action=action)
    assert look_ahead.before_step(module, optimizer) is True
    # The slope goes to -1.2: the forced one stays above -1 for (1 - alpha) 1.2 < 1.
    assert 1.0 - 1.0 / 1.2 < forcing.alpha < 1.0 - 1.0 / 1.2 + 0.01
    assert action.n_raised == 1
    raised = forcing.alpha
    # The same look again finds nothing to raise.
    assert look_ahead.before_step(module, optimizer) is False
    assert forcing.alpha == raised
    with torch.no_grad():
        module.W.fill_(-0.2)
    assert look_ahead.before_step(module, optimizer) is False
    assert forcing.alpha == pytest.approx(0.05 + 0.5 * (raised - 0.05))


def test_the_trainer_computes_the_gradient_again_where_alpha_was_raised():
    class Once:
        def __init__(self, forcing):
            self.forcing, self.n_calls = forcing, 0

        def __call__(self, outlook):
            self.n_calls += 1
            self.forcing.alpha = 0.6
            return self.n_calls == 1

    def make(alpha, **options):
        forcing = training.GeneralizedForcing(alpha)
        module = training.TrainableShallowPLRNN(2, 5)
        return training.Trainer(module, circle(), forcing=forcing, sequence_length=10, **options)

    expected = make(0.6).fit(3, progress=False)
    trainer = make(0.1)
    trainer.look_ahead = training.LookAhead(2, action=Once(trainer.forcing))
    history = trainer.fit(3, progress=False)
    np.testing.assert_array_equal(history, expected)
    assert trainer.look_ahead.n_looks == 3


def test_the_forced_map_is_looked_at_where_the_forcing_is_known():
    module, optimizer, look_ahead = looking_at(
        -1.2, n_steps=5, forcing=training.GeneralizedForcing(0.1)
    )
    assert look_ahead.before_step(module, optimizer) is False
    # The forced slope 0.9 (0.5 + W) is -1 at W = -0.5 - 1 / 0.9.
    (event,) = look_ahead.outlook.events
    assert event.kind == "degenerate_flip"
    assert event.value == pytest.approx(10.0 * (1.0 / 0.9 - 0.7), abs=1e-9)
    assert look_ahead.outlook.alpha == 0.1
    assert look_ahead.outlook.events_with(0.2) == ()
    (free,) = look_ahead.outlook.events_with(0.0)
    assert free.value == pytest.approx(3.0, abs=1e-9)


def test_the_way_from_the_last_look_counts_with_the_alpha_that_it_had():
    forcing = training.GeneralizedForcing(0.5)
    module, optimizer, look_ahead = looking_at(-1.7, n_steps=1, forcing=forcing)
    look_ahead.before_step(module, optimizer)
    # Nothing was trained before the first look, so that no alpha is a jump.
    assert [len(look_ahead.outlook.events_with(alpha)) for alpha in (0.0, 0.3)] == [0, 0]
    look_ahead.before_step(module, optimizer)
    assert look_ahead.outlook.events == ()
    (event,) = look_ahead.outlook.events_with(0.0)
    # From 0.5 * (-1.2) to -1.2, linearly over one update.
    assert event.value == pytest.approx(-1.0 + 0.4 / 0.6, abs=1e-9)
    assert look_ahead.outlook.events_with(0.3) == ()


def test_the_target_moves_the_border_of_the_forced_map():
    # z -> 0.5 z + 0.3 relu(z) + h with h = 0.1 -> -0.1: the forced fixed point meets the border at
    # (1 - alpha) h + alpha d = 0, and persists.
    model = rd.PLRNN([[0.5]], [[0.3]], [0.1])
    for target, expected in ((None, [5.0]), ([0.05], [7.5])):
        module = training.to_trainable(model)
        optimizer = torch.optim.SGD([module.h], lr=0.02)
        module.h.sum().backward()
        look_ahead = training.LookAhead(
            10,
            forcing=training.GeneralizedForcing(0.5),
            target=target,
            relevant=lambda event: True,
        )
        look_ahead.before_step(module, optimizer)
        values = [event.value for event in look_ahead.outlook.events]
        assert values == pytest.approx(expected, abs=1e-9)


def test_raising_takes_the_smallest_alpha_on_whose_path_no_event_is():
    forcing = training.GeneralizedForcing(0.0)
    action = training.RaiseForcing(forcing)
    module, optimizer, look_ahead = looking_at(-1.2, n_steps=5, action=action)
    assert look_ahead.forcing is forcing
    assert look_ahead.before_step(module, optimizer) is True
    assert look_ahead.outlook.events_with(forcing.alpha) == ()
    assert look_ahead.outlook.events_with(forcing.alpha - 0.05 / 8) != ()


def test_alpha_does_not_sink_where_sinking_brings_an_event():
    forcing = training.GeneralizedForcing(0.0)
    action = training.RaiseForcing(forcing, relax=0.9)
    module, optimizer, look_ahead = looking_at(-1.4, n_steps=3, action=action)
    look_ahead.before_step(module, optimizer)
    assert action.n_raised == 1
    with torch.no_grad():
        module.W.fill_(-1.7)
    raised = forcing.alpha
    # The network stays where it is from now on, with slope -1.2: the fixed point of the free map is
    # unstable, that of the forced one stable as long as alpha is above 1 / 6.
    module.W.grad.zero_()
    for _ in range(30):
        assert look_ahead.before_step(module, optimizer) is False
    assert 1.0 / 6.0 < forcing.alpha <= raised
    assert 0.9 * forcing.alpha < 1.0 / 6.0
    assert action.n_held > 0
    assert action.n_raised == 1
    with torch.no_grad():
        module.W.fill_(-1.0)
    for _ in range(30):
        look_ahead.before_step(module, optimizer)
    assert forcing.alpha < 0.05 * raised
    assert action.n_sunk > 20


def test_where_every_alpha_has_an_event_one_with_the_fewest_is_taken():
    forcing = training.GeneralizedForcing(0.1)
    action = training.RaiseForcing(forcing)
    module, optimizer, look_ahead = looking_at(-1.8, n_steps=1, action=action)
    look_ahead.before_step(module, optimizer)
    assert (forcing.alpha, action.n_unavoidable) == (0.1, 0)
    # The fixed point becomes stable at the next update, whatever alpha is.
    module.W.grad.fill_(-5.0)
    assert look_ahead.before_step(module, optimizer) is False
    assert len(look_ahead.outlook.events) == 1
    assert (forcing.alpha, action.n_raised, action.n_unavoidable) == (0.1, 0, 1)
    assert "1 times every alpha had an event" in repr(action)


def test_a_fixed_point_that_begins_on_a_border_is_no_change_of_the_dynamics():
    # As that of a new network, whose bias is 0. What it was before the path is not known.
    start = rd.PLRNN([[0.5]], [[0.3]], [0.0])
    path = rd.continue_cycles(start, start.with_parameters(h=[0.1]), max_order=1)
    (event,) = path.events
    assert (event.s, event.outcome) == (0.0, "persistence")
    assert (event.n_unstable_before, event.n_unstable_after) == (None, 0)
    assert not training.changes_dynamics(event)


def trained_maps(action_of):
    """The forced maps that a short training goes through, and its action."""
    module = training.TrainableShallowPLRNN(2, 5, seed=1)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    forcing = training.GeneralizedForcing(0.0)
    action = action_of(forcing)
    look_ahead = None if action is None else training.LookAhead(5, action=action)
    data = circle()
    x = torch.tensor(np.stack([data[start : start + 21] for start in range(0, 300, 50)]))
    maps = []
    for _ in range(120):
        for _ in range(2):
            loss = training.prediction_loss(module, x, forcing=forcing)
            optimizer.zero_grad()
            loss.backward()
            if look_ahead is None or not look_ahead.before_step(module, optimizer):
                break
        maps.append(rd.forced(module.to_model(), forcing.alpha))
        optimizer.step()
    return maps, action


def n_events(maps):
    timeline = rd.training_timeline(maps, max_order=1, method="exhaustive", progress=False)
    assert timeline.gaps == ()
    return sum(map(training.changes_dynamics, timeline.events))


def test_a_training_with_look_ahead_passes_no_event_where_one_without_passes_some():
    free, _ = trained_maps(lambda forcing: None)
    raised, action = trained_maps(training.RaiseForcing)
    assert n_events(free) > 0
    assert action.n_raised > 0
    assert action.n_unavoidable == 0
    assert n_events(raised) == 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: training.LookAhead(0), ValueError, "n_steps must be"),
        (
            lambda: training.LookAhead(forcing=training.SparseForcing(3)),
            TypeError,
            "forcing must be a GeneralizedForcing, got SparseForcing",
        ),
        (
            lambda: training.LookAhead(
                forcing=training.GeneralizedForcing(0.1),
                action=training.RaiseForcing(training.GeneralizedForcing(0.2)),
            ),
            ValueError,
            "forcing must be that of the action",
        ),
        (lambda: training.LookAhead(target=[0.0]), ValueError, "target is given, but no forcing"),
        (
            lambda: training.RaiseForcing(training.SparseForcing(3)),
            TypeError,
            "forcing must be a GeneralizedForcing",
        ),
        (
            lambda: training.RaiseForcing(training.AnnealedForcing(1.0, 0.0, 10)),
            TypeError,
            "forcing must keep its alpha between updates, got AnnealedForcing",
        ),
        (
            lambda: training.RaiseForcing(training.GeneralizedForcing(0.5), maximum=0.2),
            ValueError,
            "maximum must be at least alpha = 0.5",
        ),
        (
            lambda: training.RaiseForcing(training.GeneralizedForcing(0.5), step=0.0),
            ValueError,
            "step must be positive",
        ),
        (
            lambda: training.Trainer(
                network("plrnn"),
                np.zeros((50, 3)),
                sequence_length=10,
                forcing=0.1,
                look_ahead=training.LookAhead(forcing=training.GeneralizedForcing(0.1)),
            ),
            ValueError,
            "look_ahead must look at the forcing of the trainer",
        ),
    ],
)
def test_messages_name_the_argument(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_look_at_the_free_map_knows_no_alpha():
    module, optimizer, look_ahead = looking_at(-1.2, n_steps=5)
    look_ahead.before_step(module, optimizer)
    with pytest.raises(ValueError, match=r"free map: give LookAhead\(forcing=\.\.\.\)"):
        look_ahead.outlook.events_with(0.1)


@pytest.mark.parametrize("n_units", [5, 14])
def test_what_comes_from_infinity_is_seen_and_stays_in_sight(n_units):
    # One unit acts, below the border. The slope above it goes from 1.05 to 0.95: there is no fixed
    # point until one comes from infinity. With 14 units only the first look searches.
    W1 = np.zeros((1, n_units))
    W1[0, 0] = 0.5
    model = rd.ShallowPLRNN([1.05], W1, np.full((n_units, 1), -1.0), [1.0], np.zeros(n_units))
    module = training.to_trainable(model)
    optimizer = torch.optim.SGD([module.A], lr=0.01)
    module.A.sum().backward()
    look_ahead = training.LookAhead(10)
    for n_done in range(3):
        look_ahead.before_step(module, optimizer)
        (event,) = look_ahead.outlook.events
        assert (event.kind, event.outcome) == ("degenerate_transcritical", "infinity")
        assert event.value == pytest.approx(5.0 - n_done, abs=1e-9)
        optimizer.step()
