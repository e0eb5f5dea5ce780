"""
A line attractor
================

Where a multiplier is exactly 1 and the equation still has a solution, fixed points form a line. It
is reported as one object with its direction, its ends and the inequalities that bound it.
"""

import matplotlib.pyplot as plt
import numpy as np

import rnndyn as rd

# The first state keeps its value as long as it is positive; the second forgets.
network = rd.PLRNN(A=[[0.5, 0.0], [0.0, 0.5]], W=[[0.5, 0.0], [0.0, 0.0]], h=[0.0, 1.0])
result = rd.find_fixed_points(network, progress=False)
print(result)
line = result.continua[0]

# %%
print("dimension", line.dimension)
print("ends", line.endpoints())
print("contains (17, 2):", line.contains([17.0, 2.0]), " contains (-1, 2):", line.contains([-1, 2]))

# %%
# Orbits from anywhere with a positive first state come to rest somewhere on it.
figure, ax = plt.subplots()
rng = np.random.default_rng(0)
for start in rng.uniform([-2, 0], [6, 4], size=(30, 2)):
    orbit = network.orbit(start, 12)
    ax.plot(*orbit.T, "-", color="0.75", lw=0.8)
    ax.plot(*orbit[-1], "k.", ms=4)
points = np.array([[0.0, 2.0], [6.0, 2.0]])
assert all(line.contains(point) for point in points)
ax.plot(*points.T, "C0", lw=2.5, alpha=0.5, label="line of fixed points")
ax.set(xlabel="z[0]", ylabel="z[1]")
_ = ax.legend()
