"""
Multipliers and the unit circle
===============================

A cycle is stable if all its multipliers are inside the unit circle. Beyond a modulus of 5 the plot
switches to a logarithmic scale outside the circle, so that cycles of chaotic maps fit.
"""

import rnndyn as rd

network = rd.examples.load("plrnn-10d")
cycles = rd.find_cycles(network, max_order=10, progress=False)
for cycle in cycles:
    print(cycle.order, cycle.stability, f"largest modulus {cycle.spectral_radius:.4g}")

# %%
ax = rd.plot.multipliers(cycles)

# %%
# Also the multipliers of long cycles are right, where the product of the Jacobians has lost all
# digits of the small ones: their logarithms are computed without forming it.
long = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), orders=[14], progress=False)
print(len(long), "cycles of order 14; logarithms of the moduli of the first:", long[0].log_moduli)
print("their sum is 14 ln 0.5, because every Jacobian has the determinant -0.5:")
print(long[0].log_moduli.sum())
