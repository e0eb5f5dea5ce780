"""Settings and networks that many tests share."""

import os
import signal

import hypothesis
import pytest

from rnndyn.models import PLRNN

# The same examples in every run, so that a failure in CI is a failure everywhere.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def listen_to_ctrl_c():
    """A program started in the background may have been told to ignore Ctrl-C; undo that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def tent() -> PLRNN:
    """The full tent map with slope 2: z -> 1 - 2 |z|; its cycles are known in closed form."""
    return PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])


@pytest.fixture
def lozi() -> PLRNN:
    """The Lozi map with a = 1.7 and b = 0.5: x -> 1 - a |x| + y, y -> b x."""
    return PLRNN(A=[[1.7, 1.0], [0.5, 0.0]], W=[[-3.4, 0.0], [0.0, 0.0]], h=[1.0, 0.0])
