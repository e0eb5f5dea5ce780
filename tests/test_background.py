"""Tests that press Ctrl-C work in a program of the background, too."""

import signal
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def handler_inherited_by_programs():
    """Return what a program started by a fixture of a module does when Ctrl-C comes."""
    show = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    return subprocess.run([sys.executable, "-c", show], capture_output=True, text=True).stdout


def test_programs_that_fixtures_start_hear_ctrl_c(handler_inherited_by_programs):
    assert handler_inherited_by_programs.strip() == "True"


def test_programs_hear_ctrl_c_where_the_tests_run_in_the_background():
    """A shell without job control has its background programs ignore Ctrl-C."""
    node = f"{__file__}::{test_programs_that_fixtures_start_hear_ctrl_c.__name__}"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", node],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
