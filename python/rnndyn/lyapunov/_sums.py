"""What the exponents of a spectrum add up to: sums, entropy, and the Kaplan-Yorke dimension."""

from __future__ import annotations

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.lyapunov._estimates import Combination
from rnndyn.lyapunov._exponents import Exponents


class Sums(Exponents):
    """The part of a `rnndyn.LyapunovSpectrum` that is about sums of exponents."""

    @property
    def exponent_sum(self) -> FloatArray:
        """Sum of the computed exponents, shape (B,); of all N: mean of ``ln |det J|``."""
        return self._scaled(self._estimates.sums.values)

    @property
    def exponent_sum_error(self) -> FloatArray:
        """Standard error of `exponent_sum`, shape (B,), from batch means of the sum itself."""
        return self._scaled(self._estimates.sums.errors)

    @property
    def entropy_sum(self) -> FloatArray:
        """Sum of the positive exponents, shape (B,).

        Upper bound of the metric entropy (D. Ruelle, Bol. Soc. Bras. Mat. 9 (1978) 83-87), equal to
        it where Pesin's formula holds. Covers the computed exponents only: it is too small where
        the last of them is positive and m < N.
        """
        return self._scaled(self._estimates.entropy.values)

    @property
    def entropy_sum_error(self) -> FloatArray:
        """Standard error of `entropy_sum`, shape (B,).

        Counts every exponent that is positive or within two errors of it.
        """
        return self._scaled(self._estimates.entropy.errors)

    @property
    def pooled_entropy_sum(self) -> float:
        """Sum of the positive `pooled` exponents."""
        return self._estimates.entropy.pooled * self.units.scale

    @property
    def pooled_entropy_sum_error(self) -> float:
        """Standard error of `pooled_entropy_sum`."""
        return self._estimates.entropy.pooled_error * self.units.scale

    @property
    def kaplan_yorke_dimension(self) -> FloatArray:
        """Kaplan-Yorke dimension of each sequence, shape (B,); 0 where all exponents are negative.

        Raises
        ------
        ValueError
            If the sum of the m < N computed exponents is not negative, so that more are needed, or
            an orbit is `unbounded`, so that there is no attractor.
        """
        return self._dimension().values

    @property
    def kaplan_yorke_error(self) -> FloatArray:
        """Standard error of `kaplan_yorke_dimension`, shape (B,).

        By linear propagation, with the correlation of the exponents: batch means of the growth
        weighted by the derivatives of the dimension. Where the exponents could by two standard
        errors have another integer part of the dimension, it is at least a quarter of the change
        of the dimension between both ends.
        """
        return self._dimension().errors

    @property
    def pooled_kaplan_yorke_dimension(self) -> float:
        """Kaplan-Yorke dimension of the `pooled` exponents."""
        return self._dimension().pooled

    @property
    def pooled_kaplan_yorke_error(self) -> float:
        """Standard error of `pooled_kaplan_yorke_dimension`."""
        return self._dimension().pooled_error

    @property
    def dimension_is_known(self) -> bool:
        """Whether there are attractors, and enough exponents for their Kaplan-Yorke dimension."""
        return not self.unbounded.any() and self._estimates.dimension_is_known

    def _dimension(self) -> Combination:
        if self.unbounded.any():
            raise ValueError(
                f"sequence {int(np.argmax(self.unbounded))} grows without bound, so there is no "
                "attractor that could have a dimension; start elsewhere with z0=..., or check the "
                "parameters of the model"
            )
        return self._estimates.dimension
