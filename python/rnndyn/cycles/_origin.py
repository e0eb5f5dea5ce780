"""The map that cycles are those of: a model, and for a recurrent network its constant input."""

from typing import NamedTuple

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn.models import PeriodicallyDriven, PiecewiseLinearModel, RecurrentNetwork
from rnndyn.models._base import ModelWithInput
from rnndyn.models._composition import Composition

#: What has cycles.
ModelWithCycles = PiecewiseLinearModel | RecurrentNetwork | Composition


class Origin(NamedTuple):
    """What the derivatives of a cycle are computed from.

    Attributes
    ----------
    model : PiecewiseLinearModel, RecurrentNetwork, PeriodicallyDriven or DeepPLRNN
        The network.
    inputs : ndarray of float64, shape (K,), or None
        Constant input of a recurrent network; None is the input 0.
    """

    model: ModelWithCycles
    inputs: FloatArray | None

    @property
    def is_smooth(self) -> bool:
        """Whether the map has no linear regions."""
        return isinstance(self.model, RecurrentNetwork)

    def jacobian(self, points: FloatArray, itinerary: BoolArray) -> FloatArray:
        """Return the derivative of all steps of a cycle with respect to its first point."""
        product = np.eye(self.model.n_states)
        for step in self._steps(points, itinerary):
            product = step @ product
        return product

    def input_jacobian(self, points: FloatArray, itinerary: BoolArray) -> FloatArray:
        """Return the derivative of all steps with respect to an input that stays the same."""
        total = np.zeros((self.model.n_states, self._driven.n_inputs))
        steps = self._steps(points, itinerary)
        for step, direct in zip(steps, self._direct(points, itinerary), strict=True):
            total = step @ total + direct
        return total

    @property
    def _driven(self) -> ModelWithCycles:
        """The network on which inputs act."""
        return self.model.network if isinstance(self.model, PeriodicallyDriven) else self.model

    def _steps(self, points: FloatArray, itinerary: BoolArray) -> FloatArray:
        if isinstance(self.model, RecurrentNetwork):
            return self.model.jacobian(points, self.inputs)
        return self.model.jacobian(region=itinerary)

    def _direct(self, points: FloatArray, itinerary: BoolArray) -> list[FloatArray]:
        """Return the derivatives of each step with respect to its own input."""
        model = self._driven
        if isinstance(model, RecurrentNetwork):
            if not model.n_inputs:
                return [np.zeros((model.n_states, 0))] * len(points)
            constant = np.zeros(model.n_inputs) if self.inputs is None else self.inputs
            compiled = _core.SmoothMap(model._system(), constant)
            weights = model.parameters["weight_ih_l0"]
            return [compiled.input_jacobian(point, weights) for point in points]
        if not isinstance(model, ModelWithInput) or model.C is None:
            return [np.zeros((model.n_states, 0))] * len(points)
        outside, inside = model._input_weights(model.C)
        outside = np.zeros((model.n_states, model.n_inputs)) if outside is None else outside
        if inside is None:
            return [outside] * len(points)
        return [outside + (model.canonical.W1 * region) @ inside for region in itinerary]
