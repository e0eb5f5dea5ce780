"""
Two parameters: regions and their exact borders
===============================================

Shaded are the points of a grid by the lowest order of which there is a stable cycle; the curves are
computed, not interpolated: every point of a curve is a bifurcation.
"""

import numpy as np

import rnndyn as rd

skew_tent = rd.PLRNN(A=[[0.5]], W=[[-2.0]], h=[1.0])
diagram = rd.stability_diagram(
    skew_tent,
    ("A[0,0]", np.linspace(0.05, 1.2, 46)),
    ("W[0,0]", np.linspace(-12.0, -1.0, 45)),
    max_order=4,
    progress=False,
)
print(diagram)

# %%
# Stable cycles of the orders 1 to 4 follow each other as the right slope, A + W, falls.
ax = rd.plot.stability_diagram(diagram)

# %%
# A curve is more than a picture: its points, what happens there, and how exact it is.
for curve in diagram.curves_of(order=1):
    print(curve.kind, curve.outcome, f"{len(curve.points)} points, residual", curve.residuals.max())
