"""The models. Each is an immutable value that knows its parameters and its map."""

from collections.abc import Mapping
from types import MappingProxyType

from rnndyn.models._base import PiecewiseLinearModel
from rnndyn.models._model import Model
from rnndyn.models._recurrent import RecurrentNetwork
from rnndyn.models.alrnn import ALRNN
from rnndyn.models.clipped_shallow_plrnn import ClippedShallowPLRNN
from rnndyn.models.dendritic_plrnn import DendriticPLRNN
from rnndyn.models.differentiable_map import DifferentiableMap
from rnndyn.models.gru import GRU
from rnndyn.models.leaky_plrnn import LeakyPLRNN
from rnndyn.models.leaky_relu_rnn import LeakyReLURNN
from rnndyn.models.leaky_shallow_plrnn import LeakyShallowPLRNN
from rnndyn.models.lstm import LSTM
from rnndyn.models.mean_centered_plrnn import MeanCenteredPLRNN
from rnndyn.models.piecewise_linear_map import PiecewiseLinearMap
from rnndyn.models.plrnn import PLRNN
from rnndyn.models.relu_rnn import ReLURNN
from rnndyn.models.rnn import RNN
from rnndyn.models.shallow_plrnn import ShallowPLRNN

__all__ = [
    "ALRNN",
    "FAMILIES",
    "GRU",
    "LSTM",
    "PIECEWISE_LINEAR_FAMILIES",
    "PLRNN",
    "RNN",
    "ClippedShallowPLRNN",
    "DendriticPLRNN",
    "DifferentiableMap",
    "LeakyPLRNN",
    "LeakyReLURNN",
    "LeakyShallowPLRNN",
    "MeanCenteredPLRNN",
    "Model",
    "PiecewiseLinearMap",
    "PiecewiseLinearModel",
    "ReLURNN",
    "RecurrentNetwork",
    "ShallowPLRNN",
]

PIECEWISE_LINEAR_FAMILIES: Mapping[str, type[PiecewiseLinearModel]] = MappingProxyType(
    {
        model.family: model
        for model in (
            PLRNN,
            MeanCenteredPLRNN,
            ALRNN,
            DendriticPLRNN,
            ShallowPLRNN,
            ClippedShallowPLRNN,
            ReLURNN,
            LeakyPLRNN,
            LeakyShallowPLRNN,
            LeakyReLURNN,
            PiecewiseLinearMap,
        )
    }
)
"""The families whose cycles can be searched, by the name that files give them."""

FAMILIES: Mapping[str, type[Model]] = MappingProxyType(
    {**PIECEWISE_LINEAR_FAMILIES, **{model.family: model for model in (RNN, GRU, LSTM)}}
)
"""All families by the name that files give them."""
