"""The models. Each is an immutable value that knows its parameters and its map."""

from rnndyn.models._base import PiecewiseLinearModel
from rnndyn.models._families import FAMILIES, PIECEWISE_LINEAR_FAMILIES, register_family
from rnndyn.models._model import Model
from rnndyn.models._recurrent import RecurrentNetwork
from rnndyn.models.alrnn import ALRNN
from rnndyn.models.clipped_shallow_plrnn import ClippedShallowPLRNN
from rnndyn.models.deep_plrnn import DeepPLRNN
from rnndyn.models.dendritic_plrnn import DendriticPLRNN
from rnndyn.models.differentiable_map import DifferentiableMap
from rnndyn.models.gru import GRU
from rnndyn.models.leaky_plrnn import LeakyPLRNN
from rnndyn.models.leaky_relu_rnn import LeakyReLURNN
from rnndyn.models.leaky_shallow_plrnn import LeakyShallowPLRNN
from rnndyn.models.low_rank_rnn import LowRankRNN
from rnndyn.models.lstm import LSTM
from rnndyn.models.mean_centered_plrnn import MeanCenteredPLRNN
from rnndyn.models.periodically_driven import PeriodicallyDriven
from rnndyn.models.piecewise_linear_map import PiecewiseLinearMap
from rnndyn.models.plrnn import PLRNN
from rnndyn.models.relu_rnn import ReLURNN
from rnndyn.models.rnn import RNN
from rnndyn.models.shallow_plrnn import ShallowPLRNN
from rnndyn.models.teacher_forcing import forced

__all__ = [
    "ALRNN",
    "FAMILIES",
    "GRU",
    "LSTM",
    "PIECEWISE_LINEAR_FAMILIES",
    "PLRNN",
    "RNN",
    "ClippedShallowPLRNN",
    "DeepPLRNN",
    "DendriticPLRNN",
    "DifferentiableMap",
    "LeakyPLRNN",
    "LeakyReLURNN",
    "LeakyShallowPLRNN",
    "LowRankRNN",
    "MeanCenteredPLRNN",
    "Model",
    "PeriodicallyDriven",
    "PiecewiseLinearMap",
    "PiecewiseLinearModel",
    "ReLURNN",
    "RecurrentNetwork",
    "ShallowPLRNN",
    "forced",
    "register_family",
]
