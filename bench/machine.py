"""What the numbers were measured on."""

import os
import platform
import time
from functools import cache
from pathlib import Path

import numpy as np

from rnndyn import __version__
from rnndyn._core import instruction_set


def print_machine() -> None:
    """Print the processor, its load, the package's instruction set and the dgemm peak."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"rnndyn {__version__} ({instruction_set}), NumPy {np.__version__}")
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    print(f"{processor_name()}, {usable} usable cores, load average {load}")
    print(f"dgemm peak on one thread: {dgemm_peak() / 1e9:.1f} GFLOP/s (NumPy, 1000 x 1000)")


def processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


@cache
def dgemm_peak(n: int = 1000, repetitions: int = 8) -> float:
    """Floating-point operations per second of a processor in NumPy's matrix product."""
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, n, n))
    result = np.empty((n, n))
    best = np.inf
    for _ in range(repetitions):
        start = time.process_time()
        np.matmul(left, right, out=result)
        best = min(best, time.process_time() - start)
    return 2.0 * n**3 / best
