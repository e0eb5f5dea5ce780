"""The angles between the covariant vectors of a spectrum."""

from __future__ import annotations

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_integer
from rnndyn.lyapunov._angles import pairwise_angles, smallest_principal_angle
from rnndyn.lyapunov._record import GrowthRecord


class CovariantVectors(GrowthRecord):
    """The part of a `rnndyn.LyapunovSpectrum` that is about covariant vectors."""

    def covariant_angles(self) -> FloatArray:
        """Return the angles between all pairs of covariant vectors.

        Returns
        -------
        ndarray of float64, shape (B, n_samples, m, m)
            In radians, 0 to pi/2: angles between lines, since vectors have no sign.

        Raises
        ------
        ValueError
            If the spectrum was computed without covariant vectors.
        """
        return pairwise_angles(self._vectors())

    def smallest_angle(self, k: int) -> FloatArray:
        """Return the smallest angle between the first k covariant vectors and the others.

        With k the number of positive exponents, angles bounded away from 0 tell hyperbolic from
        non-hyperbolic dynamics [1]_.

        Parameters
        ----------
        k : int
            How many vectors span the first space, 1 to m - 1.

        Returns
        -------
        ndarray of float64, shape (B, n_samples)
            Smallest principal angle between both spaces, in radians, 0 to pi/2.

        References
        ----------
        .. [1] F. Ginelli et al., "Characterizing dynamics with covariant Lyapunov vectors", Phys.
           Rev. Lett. 99 (2007) 130601.
        """
        vectors = self._vectors()
        if self.n_exponents < 2:
            raise ValueError("smallest_angle needs at least two exponents, got n_exponents=1")
        k = check_integer("k", k, 1, self.n_exponents - 1)
        return smallest_principal_angle(vectors[..., :k], vectors[..., k:])

    def _vectors(self) -> FloatArray:
        if self.covariant_vectors is None and self.run.options.get("covariant"):
            raise ValueError(
                "this spectrum has no covariant vectors, because its run was stopped before the "
                "end; give more time or fewer steps"
            )
        if self.covariant_vectors is None:
            raise ValueError(
                "this spectrum has no covariant vectors; compute it with "
                "lyapunov_spectrum(..., covariant=100) for 100 samples"
            )
        return self.covariant_vectors
