"""What a progress meter sees of a computation of Lyapunov exponents."""

from typing import NamedTuple


class LyapunovProgress(NamedTuple):
    """State of a running computation of Lyapunov exponents, as a progress meter sees it.

    Attributes
    ----------
    n_steps : int
        Steps done so far, the transient included.
    n_steps_total : int
        Steps asked for, the transient included.
    largest : float
        Largest exponent so far, natural logarithm per step, mean over the sequences; 0 before the
        first estimate.
    """

    n_steps: int
    n_steps_total: int
    largest: float

    @property
    def fraction(self) -> float:
        """Share of the steps that are done, 0 to 1."""
        return self.n_steps / self.n_steps_total

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""
        rate = self.n_steps / seconds if seconds > 0.0 else 0.0
        text = f"{self.n_steps:,} of {self.n_steps_total:,} steps, {rate:,.0f} steps/s"
        return f"{text}, largest {self.largest:.4g}" if self.largest else text
