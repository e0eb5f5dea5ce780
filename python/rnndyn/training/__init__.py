"""Training of piecewise-linear networks, and watching their dynamics while they learn.

It needs torch: ``pip install "rnndyn[torch]"``. ``import rnndyn`` does not import it.
"""

from rnndyn._common.optional import import_optional

# Before anything else, so that the message says what to install.
import_optional("torch", "rnndyn.training")

from rnndyn.training import datasets  # noqa: E402
from rnndyn.training._convert import FAMILIES, to_trainable  # noqa: E402
from rnndyn.training._module import TrainableModel  # noqa: E402
from rnndyn.training.batches import Batch, SubsequenceSampler  # noqa: E402
from rnndyn.training.bifurcation_monitor import BifurcationMonitor  # noqa: E402
from rnndyn.training.checkpoint import load_state, save_state  # noqa: E402
from rnndyn.training.forcing import (  # noqa: E402
    AdaptiveForcing,
    AnnealedForcing,
    GeneralizedForcing,
    NoForcing,
    SparseForcing,
    TeacherForcing,
    forcing_for_growth,
    gradient_growth_rates,
)
from rnndyn.training.history import (  # noqa: E402
    History,
    Monitor,
    TrainingDivergedError,
    TrainingProgress,
)
from rnndyn.training.initialization import (  # noqa: E402
    glorot_uniform,
    kaiming_normal,
    normalized_positive_definite,
    uniform_fan_in,
)
from rnndyn.training.look_ahead import LookAhead, extrapolated  # noqa: E402
from rnndyn.training.lyapunov_monitor import LyapunovMonitor  # noqa: E402
from rnndyn.training.measures import (  # noqa: E402
    power_spectrum_distance,
    prediction_error,
    state_space_divergence,
)
from rnndyn.training.observation import (  # noqa: E402
    AffineObservation,
    IdentityObservation,
    ObservationModel,
)
from rnndyn.training.outlook import Outlook, changes_dynamics  # noqa: E402
from rnndyn.training.raise_forcing import RaiseForcing  # noqa: E402
from rnndyn.training.regularization import (  # noqa: E402
    L2Regularization,
    ManifoldAttractorRegularization,
)
from rnndyn.training.schedule import exponential_decay  # noqa: E402
from rnndyn.training.shallow_networks import (  # noqa: E402
    TrainableClippedShallowPLRNN,
    TrainableShallowPLRNN,
)
from rnndyn.training.state_networks import (  # noqa: E402
    TrainableALRNN,
    TrainableDendriticPLRNN,
    TrainablePLRNN,
)
from rnndyn.training.trainer import Trainer  # noqa: E402
from rnndyn.training.unrolling import generate, prediction_loss, rollout  # noqa: E402

__all__ = [
    "FAMILIES",
    "AdaptiveForcing",
    "AffineObservation",
    "AnnealedForcing",
    "Batch",
    "BifurcationMonitor",
    "GeneralizedForcing",
    "History",
    "IdentityObservation",
    "L2Regularization",
    "LookAhead",
    "LyapunovMonitor",
    "ManifoldAttractorRegularization",
    "Monitor",
    "NoForcing",
    "ObservationModel",
    "Outlook",
    "RaiseForcing",
    "SparseForcing",
    "SubsequenceSampler",
    "TeacherForcing",
    "TrainableALRNN",
    "TrainableClippedShallowPLRNN",
    "TrainableDendriticPLRNN",
    "TrainableModel",
    "TrainablePLRNN",
    "TrainableShallowPLRNN",
    "Trainer",
    "TrainingDivergedError",
    "TrainingProgress",
    "changes_dynamics",
    "datasets",
    "exponential_decay",
    "extrapolated",
    "forcing_for_growth",
    "generate",
    "glorot_uniform",
    "gradient_growth_rates",
    "kaiming_normal",
    "load_state",
    "normalized_positive_definite",
    "power_spectrum_distance",
    "prediction_error",
    "prediction_loss",
    "rollout",
    "save_state",
    "state_space_divergence",
    "to_trainable",
    "uniform_fan_in",
]
