"""The Lyapunov spectrum of a network while it is being trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_count
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.lyapunov.spectrum import DivergenceError, lyapunov_spectrum
from rnndyn.training._as_model import as_model


class LyapunovMonitor:
    """Computes Lyapunov exponents of a network every few updates, in any training loop.

    Call ``monitor.step(module)`` after every update, or give it to `Trainer`.

    Parameters
    ----------
    every : int
        Number of calls between looks at the network; the first call is one.
    inputs : array_like, optional
        External inputs that drive it; see `rnndyn.lyapunov_spectrum`.
    n_steps : int, optional
        Steps of a look. Default: 1,000, or all of the input sequences.
    n_exponents : int, optional
        Number of exponents, the largest. Default: all.
    to_model : callable, optional
        Makes the model, or the module of torch, of what `step` is given, such as
        ``lambda network: network.rnn``. Default: trainable networks of `rnndyn.training`, RNN, GRU
        and LSTM of `torch.nn`, and models are understood.
    n_threads : int
        Number of threads.
    **options
        More options of `rnndyn.lyapunov_spectrum`, such as ``transient``, ``z0``, ``dt`` or
        ``seed``.

    Attributes
    ----------
    spectra : list of LyapunovSpectrum or None
        The spectra; None where orbits diverged.
    updates : list of int
        Their numbers of updates: calls of `step` so far.

    Examples
    --------
    >>> import torch
    >>> from rnndyn.training import LyapunovMonitor
    >>> _ = torch.manual_seed(0)
    >>> network = torch.nn.GRU(2, 8)
    >>> monitor = LyapunovMonitor(every=5, inputs=torch.randn(200, 2).numpy(), n_exponents=3)
    >>> for _ in range(11):
    ...     _ = monitor.step(network)
    >>> monitor.updates
    [1, 6, 11]
    >>> monitor.exponents.shape
    (3, 3)
    """

    def __init__(
        self,
        *,
        every: int = 10,
        inputs: ArrayLike | None = None,
        n_steps: int | None = None,
        n_exponents: int | None = None,
        to_model: Callable[[Any], Any] | None = None,
        n_threads: int = 1,
        **options: Any,
    ) -> None:
        self.every = check_count("every", every)
        if n_steps is None and (inputs is None or np.ndim(inputs) < 2):
            n_steps = 1000
        self._to_model = to_model
        self._options = {
            "inputs": inputs,
            "n_steps": n_steps,
            "n_exponents": n_exponents,
            "n_threads": check_count("n_threads", n_threads),
            "progress": False,
            **options,
        }
        self._n_steps = 0
        self.spectra: list[LyapunovSpectrum | None] = []
        self.updates: list[int] = []

    def step(
        self, module: Any, loss: object = None, gradient_norm: object = None
    ) -> LyapunovSpectrum | None:
        """Note that an update was made, and look at the network where it is time to.

        Parameters
        ----------
        module : TrainableModel, torch.nn.RNN, GRU or LSTM, or model
            The network as it is now; or anything else that `to_model` understands.
        loss, gradient_norm : object
            Not used; so that all monitors are called alike.

        Returns
        -------
        LyapunovSpectrum or None
            The spectrum; None between looks, and where orbits diverged.

        Raises
        ------
        TypeError, ValueError
            If the module is no such network, or the inputs do not fit.
        """
        self._n_steps += 1
        if (self._n_steps - 1) % self.every:
            return None
        model = as_model(module, self._to_model)
        spectrum: LyapunovSpectrum | None
        try:
            spectrum = lyapunov_spectrum(model, **self._options)
        except DivergenceError:
            # A network may be unbounded for a while in its training.
            spectrum = None
        self.spectra.append(spectrum)
        self.updates.append(self._n_steps)
        return spectrum

    @property
    def exponents(self) -> FloatArray:
        """Exponents of the looks, descending, shape (n_looks, n_exponents).

        Averaged over the sequences; ``inf`` in all columns where orbits diverged or are on their
        way there.
        """
        rows = [None if s is None or s.unbounded.any() else s.pooled for s in self.spectra]
        n = next((len(row) for row in rows if row is not None), 0)
        if n == 0:
            raise ValueError("there is no spectrum yet")
        return np.array([np.full(n, math.inf) if row is None else row for row in rows])

    def to_columns(self) -> dict[str, Any]:
        """Return the looks as columns: ``update``, and ``exponent_1``, ``exponent_2``, ...

        Returns
        -------
        dict of str to ndarray
        """
        columns: dict[str, Any] = {"update": np.array(self.updates)}
        for number, column in enumerate(self.exponents.T, start=1):
            columns[f"exponent_{number}"] = column
        return columns

    def __repr__(self) -> str:
        return (
            f"LyapunovMonitor(every={self.every}: {self._n_steps:,} updates, "
            f"{len(self.spectra):,} looks)"
        )
