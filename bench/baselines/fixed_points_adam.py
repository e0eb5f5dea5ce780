"""Fixed points by minimising the speed with Adam: the method that most papers use.

Written from its description in D. Sussillo, O. Barak, Neural Computation 25 (2013) 626-649, and
M. Golub, D. Sussillo, Journal of Open Source Software 3 (2018) 1003, with the published defaults of
the torch version of that tool: joint optimisation of all starts in float32, first learning rate
1e-4 times 0.95 after 5 iterations without progress, at most 5,000 iterations, end below q = 1e-12
or where q changes by less than 1e-20, points closer than 1e-3 are one, those further from the mean
of the starts than ten times their own mean distance are dropped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

STARTS = 1024


def find_fixed_points(
    step: Callable[[torch.Tensor], torch.Tensor],
    starts: np.ndarray,
    max_iterations: int = 5000,
    learning_rate: float = 1e-4,
    tolerance: float = 1e-12,
    smallest_change: float = 1e-20,
    distance: float = 1e-3,
    dtype: torch.dtype = torch.float32,
) -> np.ndarray:
    """Return the points that the method reports, (n, N)."""
    states = torch.tensor(starts, dtype=dtype, requires_grad=True)
    optimizer = torch.optim.Adam([states], lr=learning_rate)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", factor=0.95, patience=5, cooldown=0
    )
    before = torch.full((len(starts),), float("nan"), dtype=dtype)
    for _ in range(max_iterations):
        optimizer.zero_grad()
        q = 0.5 * ((step(states) - states) ** 2).sum(1)
        loss = q.mean()
        loss.backward()
        optimizer.step()
        scheduler.step(float(loss.detach()))
        with torch.no_grad():
            change = (q - before).abs() / scheduler.get_last_lr()[0]
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
