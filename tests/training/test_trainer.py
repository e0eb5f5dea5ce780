"""The training loop: it learns, it is reproducible, and it resumes to the same numbers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rnndyn as rd  # noqa: E402
from rnndyn import training  # noqa: E402

from .cases import MAKERS, circle, network  # noqa: E402


def make_trainer(module=None, **options):
    settings = {"forcing": 0.2, "sequence_length": 10, "batch_size": 4, "learning_rate": 1e-2}
    module = module or training.TrainableShallowPLRNN(2, 6, seed=1)
    return training.Trainer(module, circle(), **{**settings, **options})


def test_training_learns_a_limit_cycle():
    trainer = make_trainer(sequence_length=25, batch_size=16, learning_rate=3e-3)
    before = training.prediction_error(trainer.module, circle(), 10)[-1]
    history = trainer.fit(300, progress=False)
    after = training.prediction_error(trainer.module, circle(), 10)[-1]
    assert after < 0.05 * before
    assert history.losses[-20:].mean() < 0.1 * history.losses[:20].mean()
    assert len(history.losses) == trainer.n_updates == 300


def test_the_seed_decides_every_number():
    runs = [make_trainer(seed=seed, noise=0.1).fit(5, progress=False) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0].losses, runs[2].losses)


FORCINGS = {
    "fixed": lambda: 0.2,
    "sparse": lambda: training.SparseForcing(3),
    "annealed": lambda: training.AnnealedForcing(1.0, 0.1, 9),
    "adaptive": lambda: training.AdaptiveForcing(every=2, decay=0.9),
}
OPTIMIZERS = [torch.optim.RAdam, torch.optim.Adam, torch.optim.SGD, torch.optim.AdamW]


@pytest.mark.parametrize("forcing", FORCINGS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resuming_gives_the_same_numbers_bit_for_bit(tmp_path, forcing, optimizer):
    def make(folder):
        return make_trainer(
            training.TrainableShallowPLRNN(3, 6, seed=1),
            observation=training.AffineObservation(3, 2),
            forcing=FORCINGS[forcing](),
            optimizer=optimizer,
            learning_rate=training.exponential_decay(1e-2, 1e-3, 9),
            max_gradient_norm=1.0,
            regularization=[training.L2Regularization(1e-3)],
            noise=0.05,
            folder=folder,
            checkpoint_every=4,
            seed=3,
        )

    whole = make(tmp_path / "whole")
    expected = whole.fit(9, progress=False)
    make(tmp_path / "parts").fit(4, progress=False)
    resumed = make(tmp_path / "parts")
    assert resumed.resume()
    assert resumed.n_updates == 4
    np.testing.assert_array_equal(resumed.fit(5, progress=False), expected)
    assert resumed.module.to_model() == whole.module.to_model()
    assert torch.equal(resumed.observation.B, whole.observation.B)
    names = sorted(path.name for path in (tmp_path / "whole" / "models").iterdir())
    assert names == [f"update{n:08d}.npz" for n in (0, 4, 8)]
    for name in names:
        ours = (tmp_path / "whole" / "models" / name).read_bytes()
        assert (tmp_path / "parts" / "models" / name).read_bytes() == ours


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_every_family_trains_with_inputs_and_unobserved_states(name):
    inputs = np.sin(0.1 * np.arange(400))[:, None]
    trainer = training.Trainer(
        network(name, n_inputs=1, size=0.1),
        circle(),
        inputs=inputs,
        forcing=0.3,
        sequence_length=8,
        batch_size=4,
    )
    before = {key: value.clone() for key, value in trainer.module.state_dict().items()}
    trainer.fit(3, progress=False)
    for key, value in trainer.module.state_dict().items():
        assert torch.equal(value, before[key]) == (key == "s")
    assert trainer.observation.L.grad is not None


def test_a_folder_of_checkpoints_becomes_a_timeline(tmp_path):
    trainer = make_trainer(folder=tmp_path, checkpoint_every=5)
    history = trainer.fit(20, progress=False)
    models = rd.load_checkpoints(tmp_path / "models")
    assert len(models) == 5
    assert models[-1] == trainer.module.to_model()
    losses = [history.losses[min(5 * i, 19)] for i in range(5)]
    timeline = rd.training_timeline(tmp_path / "models", losses, progress=False)
    assert len(timeline.epochs) == 5


def test_a_loop_of_ones_own_gives_the_numbers_of_the_trainer():
    expected = make_trainer(max_gradient_norm=0.5).fit(6, progress=False)
    module = training.TrainableShallowPLRNN(2, 6, seed=1)
    sampler = training.SubsequenceSampler(circle(), 10, 4)
    optimizer = torch.optim.RAdam(module.parameters(), lr=1e-2)
    rng = np.random.default_rng(0)
    losses, norms = [], []
    for _ in range(6):
        loss = training.prediction_loss(module, torch.tensor(sampler.draw(rng).x), forcing=0.2)
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(module.parameters(), 0.5)))
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_array_equal(losses, expected.losses)
    np.testing.assert_allclose(norms, expected.gradient_norms, rtol=1e-12)


def test_clipping_bounds_the_step():
    trainer = make_trainer(optimizer=torch.optim.SGD, learning_rate=1.0, max_gradient_norm=1e-3)
    before = torch.nn.utils.parameters_to_vector(trainer.module.parameters()).clone()
    trainer.fit(1, progress=False)
    step = torch.nn.utils.parameters_to_vector(trainer.module.parameters()) - before
    assert float(step.detach().norm()) == pytest.approx(1e-3, rel=1e-3)
    assert trainer.history.gradient_norms[0] > 1e-3


def test_the_penalties_are_what_they_say():
    module = network("plrnn")
    A, W, h = (getattr(module, name).detach().numpy() for name in ("A", "W", "h"))
    penalty = training.ManifoldAttractorRegularization(0.5, 2)(module)
    expected = ((A[1:] - 1) ** 2).sum() + (W[1:] ** 2).sum() + (h[1:] ** 2).sum()
    assert penalty.item() == pytest.approx(0.5 * expected, rel=1e-12)
    full = network("shallow", diagonal=False)
    A, W1, h1 = (getattr(full, name).detach().numpy() for name in ("A", "W1", "h1"))
    penalty = training.ManifoldAttractorRegularization(1.0)(full)
    expected = ((A - np.eye(3))[2:] ** 2).sum() + (W1[2:] ** 2).sum() + (h1[2:] ** 2).sum()
    assert penalty.item() == pytest.approx(expected, rel=1e-12)
    total = sum(p.square().sum().item() for p in module.parameters())
    assert training.L2Regularization(0.1)(module).item() == pytest.approx(0.1 * total, rel=1e-12)
    # A network on the manifold keeps the regularised states for ever.
    keep = rd.PLRNN([0.5, 1.0], [[0.3, 0.2], [0.0, 0.0]], [0.1, 0.0])
    kept = training.ManifoldAttractorRegularization(1.0)(training.to_trainable(keep))
    assert kept.item() == 0.0


def test_regularization_changes_the_gradient_but_not_the_recorded_loss():
    plain = make_trainer().fit(1, progress=False)
    heavy = make_trainer(regularization=[training.L2Regularization(10.0)]).fit(1, progress=False)
    assert heavy.losses[0] == plain.losses[0]
    assert heavy.gradient_norms[0] > 2.0 * plain.gradient_norms[0]


def test_every_subsequence_of_every_series_is_drawn_and_is_from_the_data():
    series = [np.arange(6.0)[:, None], 100.0 + np.arange(9.0)[:, None], np.zeros((2, 1))]
    inputs = [2.0 * one for one in series]
    sampler = training.SubsequenceSampler(series, length=3, batch_size=500, inputs=inputs)
    batch = sampler.draw(np.random.default_rng(0))
    assert batch.x.shape == (500, 4, 1)
    assert (np.diff(batch.x[..., 0], axis=1) == 1.0).all()
    np.testing.assert_array_equal(batch.inputs, 2.0 * batch.x[:, :3])
    firsts, counts = np.unique(batch.x[:, 0, 0], return_counts=True)
    assert firsts.tolist() == [0.0, 1.0, 2.0, 100.0, 101.0, 102.0, 103.0, 104.0, 105.0]
    assert counts.min() > 30
    assert all(series[i][j, 0] == x for i, j, x in zip(*batch[2:], batch.x[:, 0, 0], strict=True))


class Meter:
    def __init__(self):
        self.calls = []

    def init(self, title):
        self.calls.append(title)

    def step(self, progress):
        self.calls.append((progress.fraction, progress.text(1.0)))

    def close(self):
        self.calls.append("close")


def test_progress_shows_the_loss():
    meter = Meter()
    trainer = make_trainer()
    trainer.fit(2, progress=meter)
    assert meter.calls[0] == "training"
    assert meter.calls[-1] == "close"
    assert [share for share, _ in meter.calls[1:-1]] == [0.5, 1.0]
    assert f"loss {trainer.history.losses[-1]:.4g}" in meter.calls[-2][1]


def test_monitors_are_called_after_every_update():
    seen = []

    class Monitor:
        def step(self, module, loss=None, gradient_norm=None):
            seen.append((module, loss, gradient_norm))

    trainer = make_trainer(monitors=[Monitor()])
    history = trainer.fit(3, progress=False)
    assert [loss for _, loss, _ in seen] == history.losses.tolist()
    assert [norm for _, _, norm in seen] == history.gradient_norms.tolist()
    assert seen[0][0] is trainer.module


def test_a_diverging_run_says_so_and_keeps_the_parameters():
    module = training.to_trainable(rd.PLRNN([1e200, 1e200], np.zeros((2, 2)), [0.0, 0.0]))
    trainer = make_trainer(module, forcing=None)
    with pytest.raises(training.TrainingDivergedError, match="at update 0: force more strongly"):
        trainer.fit(3, progress=False)
    assert module.to_model() == rd.PLRNN([1e200, 1e200], np.zeros((2, 2)), [0.0, 0.0])
    assert trainer.n_updates == 0


def test_tensorboard_is_asked_for_only_where_it_is_wanted(tmp_path):
    try:
        import tensorboard  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(rd.MissingPackageError, match="pip install tensorboard"):
            make_trainer(tensorboard=tmp_path)
    else:
        make_trainer(tensorboard=tmp_path).fit(2, progress=False)
        assert any(path.is_file() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: training.Trainer(torch.nn.Linear(2, 2), circle()), TypeError, "module must be"),
        (lambda: make_trainer(sequence_length=400), ValueError, "length = 400 steps need 401"),
        (lambda: make_trainer(batch_size=0), ValueError, "batch_size must be"),
        (lambda: make_trainer(inputs=np.zeros((400, 2))), ValueError, "inputs have 2 columns"),
        (lambda: make_trainer(inputs=np.zeros((399, 2))), ValueError, "as long as data"),
        (lambda: make_trainer(learning_rate=-1.0), ValueError, "learning_rate must be"),
        (lambda: make_trainer(max_gradient_norm=0.0), ValueError, "max_gradient_norm must be"),
        (lambda: make_trainer(noise=-1.0), ValueError, "noise must be"),
        (lambda: make_trainer(seed=-1), ValueError, "seed must be"),
        (
            lambda: make_trainer(observation=training.AffineObservation(5, 2)),
            ValueError,
            "observation must be for 2 states and 2 variables",
        ),
        (lambda: make_trainer().resume(), ValueError, "needs the folder"),
        (lambda: training.L2Regularization(-1.0), ValueError, "strength must be"),
        (lambda: training.L2Regularization(1.0, "W"), TypeError, "parameters must be a list"),
        (
            lambda: training.L2Regularization(1.0, ["Q"])(network("plrnn")),
            ValueError,
            "no parameter 'Q'",
        ),
        (
            lambda: training.ManifoldAttractorRegularization(1.0, 4)(network("plrnn")),
            ValueError,
            "n_states = 4 is more",
        ),
        (
            lambda: training.SubsequenceSampler(np.zeros(5), 1, 1),
            ValueError,
            "data must have shape",
        ),
        (
            lambda: training.SubsequenceSampler([np.zeros((5, 1)), np.zeros((5, 2))], 1, 1),
            ValueError,
            "as many columns",
        ),
    ],
)
def test_messages_name_the_argument(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_without_a_checkpoint_there_is_nothing_to_resume(tmp_path):
    assert not make_trainer(folder=tmp_path).resume()
