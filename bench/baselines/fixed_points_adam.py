"""Fixed points by minimising the speed with Adam: the method that most papers use.

Written from its description in D. Sussillo, O. Barak, Neural Computation 25 (2013) 626-649, and
M. Golub, D. Sussillo, Journal of Open Source Software 3 (2018) 1003, with the published defaults of
the torch version of that tool: joint optimisation of all starts in float32, at most 5,000
iterations, end below q = 1e-12 or where q changes by less than 1e-20, points closer than 1e-3 are
one, those further from the mean of the starts than ten times their own mean distance are dropped.
Its versions differ in how the learning rate falls, so that both schedules are here (``SCHEDULES``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

STARTS = 1024

#: Learning rates of versions of the published tool: a small one that falls by 5 % after 5
#: iterations without progress, and a large one that falls by 30 % every 500 iterations.
SCHEDULES = ("plateaus", "steps")
FIRST_RATES = {"plateaus": 1e-4, "steps": 0.05}


def find_fixed_points(
    step: Callable[[torch.Tensor], torch.Tensor],
    starts: np.ndarray,
    schedule: str = "plateaus",
    max_iterations: int = 5000,
    tolerance: float = 1e-12,
    smallest_change: float = 1e-20,
    distance: float = 1e-3,
    dtype: torch.dtype = torch.float32,
) -> np.ndarray:
    """Return the points that the method reports, (n, N)."""
    states = torch.tensor(starts, dtype=dtype, requires_grad=True)
    optimizer = torch.optim.Adam([states], lr=FIRST_RATES[schedule])
    plateaus = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", factor=0.95, patience=5, cooldown=0
    )
    steps = torch.optim.lr_scheduler.StepLR(optimizer, step_size=500, gamma=0.7)
    before = torch.full((len(starts),), float("nan"), dtype=dtype)
    for _ in range(max_iterations):
        optimizer.zero_grad()
        q = 0.5 * ((step(states) - states) ** 2).sum(1)
        loss = q.mean()
        loss.backward()
        optimizer.step()
        if schedule == "plateaus":
            plateaus.step(float(loss.detach()))
        else:
            steps.step()
        with torch.no_grad():
            # With a fixed schedule the published tool compares the change itself.
            rate = optimizer.param_groups[0]["lr"] if schedule == "plateaus" else 1.0
            change = (q - before).abs() / rate
            if bool(((q < tolerance) | (change < smallest_change)).all()):
                break
            before = q.detach()
    points = states.detach().double().numpy()
    return unique(without_outliers(points, starts), distance)


def without_outliers(points: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Drop what has moved far away from where the starts were."""
    centre = starts.mean(0)
    usual = np.linalg.norm(starts - centre, axis=1).mean()
    return points[np.linalg.norm(points - centre, axis=1) < 10.0 * usual]


def unique(points: np.ndarray, distance: float) -> np.ndarray:
    """Keep one of points that are closer together than `distance`."""
    kept: list[np.ndarray] = []
    for point in points:
        if all(np.linalg.norm(point - other) > distance for other in kept):
            kept.append(point)
    return np.array(kept)
