"""Teacher forcing: how strongly, and when, the states are pulled to the data in training."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from rnndyn._common.checks import check_count
from rnndyn.training._module import TrainableModel


class TeacherForcing(ABC):
    """Base class of the strategies: a share alpha for every step of a sequence.

    Before the step from time t to t + 1, for t = 1, 2, ..., states z move the share ``alpha_at(t)``
    of the way to the data state d: to ``(1 - alpha) z + alpha d``. At t = 0 they come from the data
    anyway.
    """

    @abstractmethod
    def alpha_at(self, t: int) -> float:
        """Return alpha, from 0 to 1, for the step from time t to t + 1 of every sequence."""

    @property
    @abstractmethod
    def alpha(self) -> float:
        """Mean of alpha over the steps, for records."""

    def update(self, module: TrainableModel, data_states: Tensor, n_updates: int) -> None:
        """Prepare for the next update of the parameters; called once before each.

        Parameters
        ----------
        module : TrainableModel
            The network as it is.
        data_states : Tensor, shape (B, T, M)
            The states that the batch forces to; see `ObservationModel.data_states`.
        n_updates : int
            Number of updates done so far.
        """
        return

    def state_dict(self) -> dict[str, float]:
        """Return what changes during training, for checkpoints."""
        return {}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Take back what `state_dict` returned."""
        if state:
            raise ValueError(f"{type(self).__name__} has no state, got {', '.join(state)}")


class NoForcing(TeacherForcing):
    """No forcing: the network runs freely from the first data point of every sequence.

    Examples
    --------
    >>> from rnndyn.training import NoForcing
    >>> NoForcing().alpha_at(3)
    0.0
    """

    def alpha_at(self, t: int) -> float:
        """Return 0."""
        return 0.0

    @property
    def alpha(self) -> float:
        """0."""
        return 0.0

    def __repr__(self) -> str:
        return "NoForcing()"


class SparseForcing(TeacherForcing):
    """Replace the states by the data every `interval` steps, and let them run freely between.

    Parameters
    ----------
    interval : int
        Number of steps tau between replacements. A good value is the predictability time of the
        data, the inverse of their largest Lyapunov exponent times log 2.

    References
    ----------
    J. M. Mikhaeil, Z. Monfared, D. Durstewitz, "On the difficulty of learning chaotic dynamics with
    RNNs", NeurIPS 2022.

    Examples
    --------
    >>> from rnndyn.training import SparseForcing
    >>> [SparseForcing(3).alpha_at(t) for t in range(1, 8)]
    [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    """

    def __init__(self, interval: int) -> None:
        self.interval = check_count("interval", interval)

    def alpha_at(self, t: int) -> float:
        """Return 1 at multiples of the interval, else 0."""
        return float(t % self.interval == 0)

    @property
    def alpha(self) -> float:
        """1 / interval."""
        return 1.0 / self.interval

    def __repr__(self) -> str:
        return f"SparseForcing(interval={self.interval})"


class GeneralizedForcing(TeacherForcing):
    """Generalised teacher forcing: the same share alpha at every step.

    Parameters
    ----------
    alpha : float
        From 0 (no forcing) to 1 (every step starts from the data: one-step prediction).

    References
    ----------
    F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, "Generalized teacher forcing for learning
    chaotic dynamics", ICML 2023.

    Examples
    --------
    >>> from rnndyn.training import GeneralizedForcing
    >>> GeneralizedForcing(0.125).alpha_at(3)
    0.125
    """

    def __init__(self, alpha: float) -> None:
        self._alpha = check_share("alpha", alpha)

    def alpha_at(self, t: int) -> float:
        """Return alpha."""
        return self._alpha

    @property
    def alpha(self) -> float:
        """Strength of the forcing. It can be set."""
        return self._alpha

    @alpha.setter
    def alpha(self, value: float) -> None:
        self._alpha = check_share("alpha", value)

    def state_dict(self) -> dict[str, float]:
        """Return alpha."""
        return {"alpha": self._alpha}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set alpha."""
        self.alpha = state["alpha"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self._alpha:.6g})"


class AnnealedForcing(GeneralizedForcing):
    """Generalised teacher forcing whose alpha goes from one value to another during training.

    Parameters
    ----------
    start, end : float
        First and last alpha.
    n_updates : int
        Number of updates that it takes; later alpha stays at `end`.
    shape : {"linear", "exponential"}
        ``linear``: equal differences. ``exponential``: equal ratios; both ends must be positive.

    Examples
    --------
    >>> from rnndyn.training import AnnealedForcing
    >>> forcing = AnnealedForcing(1.0, 0.0, n_updates=100)
    >>> forcing.after(0), forcing.after(25), forcing.after(1000)
    (1.0, 0.75, 0.0)
    """

    def __init__(self, start: float, end: float, n_updates: int, shape: str = "linear") -> None:
        self.start, self.end = check_share("start", start), check_share("end", end)
        self.n_updates = check_count("n_updates", n_updates)
        if shape not in ("linear", "exponential"):
            raise ValueError(f"shape must be 'linear' or 'exponential', got {shape!r:.60}")
        if shape == "exponential" and not min(self.start, self.end) > 0.0:
            raise ValueError(
                f"start and end must be positive for shape='exponential', got {start} and {end}"
            )
        self.shape = shape
        super().__init__(self.start)

    def after(self, n_updates: int) -> float:
        """Return alpha after a number of updates."""
        share = min(n_updates / self.n_updates, 1.0)
        if self.shape == "linear":
            return (1.0 - share) * self.start + share * self.end
        return float(self.start ** (1.0 - share) * self.end**share)

    def update(self, module: TrainableModel, data_states: Tensor, n_updates: int) -> None:
        """Set alpha for the next update."""
        self._alpha = self.after(n_updates)

    def __repr__(self) -> str:
        return (
            f"AnnealedForcing({self.start}, {self.end}, n_updates={self.n_updates}, "
            f"shape={self.shape!r})"
        )


class AdaptiveForcing(GeneralizedForcing):
    """Adaptive generalised teacher forcing: alpha from the growth of gradients along the data.

    Parameters
    ----------
    every : int
        Number of updates after which alpha is estimated anew.
    decay : float
        Where the estimate falls, alpha follows it slowly: it becomes `decay` times alpha plus
        ``1 - decay`` times the estimate. Where it rises, alpha follows at once.
    start : float
        Alpha before the first estimate.

    Notes
    -----
    With J_t the Jacobians of the network at the T data states of a sequence, gradients along the
    data grow by ``N = ||J_T ... J_2 J_1||^(1/T)`` per step without forcing, and by
    ``(1 - alpha) N`` with it. The estimate is the alpha at which the largest of these over the
    batch is 1: ``max(0, 1 - 1 / N)`` [1]_. The products are rescaled on the way, so they neither
    overflow nor underflow.

    References
    ----------
    .. [1] F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, "Generalized teacher forcing for
       learning chaotic dynamics", ICML 2023.

    Examples
    --------
    >>> from rnndyn.training import AdaptiveForcing
    >>> AdaptiveForcing(every=5, decay=0.99)
    AdaptiveForcing(every=5, decay=0.99, alpha=1)
    """

    def __init__(self, every: int = 5, decay: float = 0.999, start: float = 1.0) -> None:
        self.every = check_count("every", every)
        self.decay = check_share("decay", decay)
        super().__init__(start)

    def update(self, module: TrainableModel, data_states: Tensor, n_updates: int) -> None:
        """Estimate alpha at the data states of the batch, where it is due."""
        if n_updates % self.every:
            return
        estimate = forcing_for_growth(gradient_growth_rates(module, data_states))
        if estimate > self._alpha:
            self._alpha = estimate
        else:
            self._alpha = self.decay * self._alpha + (1.0 - self.decay) * estimate

    def __repr__(self) -> str:
        return f"AdaptiveForcing(every={self.every}, decay={self.decay:g}, alpha={self._alpha:.6g})"


def gradient_growth_rates(module: TrainableModel, data_states: Tensor) -> Tensor:
    """Return the logarithms of how much gradients grow per step along sequences of states.

    Parameters
    ----------
    module : TrainableModel
        The network.
    data_states : Tensor, shape (..., T, M)
        States, at which its Jacobians are taken.

    Returns
    -------
    Tensor, shape (...)
        ``log ||J_T ... J_2 J_1|| / T`` with the spectral norm; ``-inf`` where the product is 0.

    Examples
    --------
    >>> import torch
    >>> import rnndyn as rd
    >>> from rnndyn.training import TrainablePLRNN, gradient_growth_rates
    >>> tent = TrainablePLRNN.from_model(rd.PLRNN([[2.0]], [[-4.0]], [1.0]))
    >>> states = torch.tensor([[0.3], [-0.5], [0.2]], dtype=torch.float64)
    >>> gradient_growth_rates(tent, states).exp().round(decimals=9)
    tensor(2., dtype=torch.float64)
    """
    with torch.no_grad():
        jacobians = module.jacobian(data_states.detach())
        n_steps = int(jacobians.shape[-3])
        product = jacobians[..., 0, :, :]
        exponents = product.new_zeros(product.shape[:-2])
        for t in range(1, n_steps):
            product, shift = _scaled(product)
            exponents = exponents + shift
            product = jacobians[..., t, :, :] @ product
        norms = torch.linalg.matrix_norm(product, 2)
        result: Tensor = (torch.log(norms) + exponents * math.log(2.0)) / n_steps
        return result


def _scaled(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Return matrices divided by powers of 2, so that their largest moduli are 1/2 to 1."""
    exponents = torch.frexp(matrices.abs().amax(dim=(-2, -1))).exponent
    # Not torch.ldexp, which makes the powers in single precision.
    powers = torch.exp2(-exponents.to(matrices.dtype))
    return matrices * powers[..., None, None], exponents


def forcing_for_growth(log_rates: Tensor) -> float:
    """Return the smallest alpha at which no gradient grows: ``max(0, 1 - exp(-rate))``.

    Parameters
    ----------
    log_rates : Tensor
        What `gradient_growth_rates` returned; the largest one counts.

    Examples
    --------
    >>> import torch
    >>> from rnndyn.training import forcing_for_growth
    >>> round(forcing_for_growth(torch.log(torch.tensor([0.5, 2.0]))), 6)
    0.5
    """
    largest = float(log_rates.max())
    return max(0.0, -math.expm1(-largest)) if largest > 0.0 else 0.0


def as_forcing(forcing: TeacherForcing | float | None) -> TeacherForcing:
    """Return a strategy: None is no forcing, a number generalised forcing."""
    if forcing is None:
        return NoForcing()
    if isinstance(forcing, TeacherForcing):
        return forcing
    if isinstance(forcing, Real) and not isinstance(forcing, bool):
        return GeneralizedForcing(float(forcing))
    raise TypeError(
        "forcing must be a TeacherForcing, such as GeneralizedForcing(0.1), a number from 0 to 1, "
        f"or None, got {type(forcing).__name__}"
    )


def check_share(name: str, value: Any) -> float:
    """Return a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number from 0 to 1, got {value!r:.60}")
    if not 0.0 <= float(value) <= 1.0:
        raise ValueError(f"{name} must be between 0 and 1, got {value!r}")
    return float(value)
