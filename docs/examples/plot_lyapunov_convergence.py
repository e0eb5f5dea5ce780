"""
Lyapunov exponents and how they settle
======================================

Running estimates with the final 95 % intervals. The two exponents of the Lozi map add up to
ln 0.5, because every Jacobian has the determinant -0.5.
"""

import numpy as np

import rnndyn as rd

lozi = rd.examples.lozi_map(1.7, 0.5)
spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=20_000, progress=False)
print(spectrum)
print("sum of the exponents", spectrum.exponents.sum(), "and ln 0.5", np.log(0.5))

# %%
ax = rd.plot.lyapunov_convergence(spectrum)

# %%
# How much growth differs from one stretch of the orbit to the next:
ax = rd.plot.finite_time_exponents(spectrum, exponents=[0])
