"""
A stability diagram
===================

In which part of a plane of two parameters does a network have a stable fixed point, a stable cycle,
several of them, or none? And where exactly are the borders?
"""

# %%
# A network with two states
# -------------------------
# Two ReLU units that inhibit each other, driven by constant input.

import matplotlib.pyplot as plt
import numpy as np

import rnndyn as rd

network = rd.PLRNN(A=[0.6, 0.6], W=[[0.0, -1.2], [-1.2, 0.0]], h=[1.0, 1.0])
print(rd.find_cycles(network, max_order=4, progress=False))

# %%
# The plane
# ---------
# The inhibition of the first unit and its leak change. Every name in ``scalar_names()`` can be an
# axis. Rows and columns of the grid are followed exactly, so that the grid decides only which
# regions are met at all, not where their borders are.
print(network.scalar_names())
x = ("W[0,1]", np.linspace(-3.97, 2.03, 31))
y = ("A[0]", np.linspace(-0.96, 1.34, 31))
diagram = rd.stability_diagram(network, x, y, max_order=4, progress=False)
print(diagram)

# %%
# The result says how sure it is: of listed orders every itinerary was followed along every line of
# the grid, and whatever rows, columns and searches did not agree on would be a gap.
print("orders of which every itinerary was followed:", diagram.run.listed_orders)
print("nothing missing at any point of the grid:", diagram.run.complete)
for gap in diagram.gaps:
    print(f"gap at {gap.x:.4f}, {gap.y:.4f}: {gap.reason}")

# %%
ax = rd.plot.stability_diagram(diagram)

# %%
# Several stable cycles at once
# -----------------------------
ax = rd.plot.stability_diagram(diagram, shading="n_stable")

# %%
# The counts are arrays, one for each order:
for index, order in enumerate(diagram.orders):
    share = (diagram.n_stable[index] > 0).mean()
    print(f"stable cycle of order {order}: {100 * share:.1f} % of the points")

# %%
# The curves
# ----------
# Each curve has a kind, and every point of it is a bifurcation up to rounding.
for curve in diagram.curves:
    if curve.outcome != "persistence":
        print(
            f"order {curve.order}: {curve.kind}, {curve.outcome}, {len(curve.points)} points, "
            f"largest residual {curve.residuals.max():.0e}"
        )

# %%
# The same plane by Lyapunov exponents
# ------------------------------------
# ``scan`` measures the largest exponent of an orbit, point by point: chaos shows, and what no cycle
# of the orders above explains. Where the orbit runs away, perturbations grow as well, but there is
# no attractor and nothing chaotic about it: such points have no value and are hatched.
result = rd.scan(network, x, y, n_steps=500, progress=False)
print(result)
figure, ax = plt.subplots()
_ = rd.plot.scan(result, ax=ax)
