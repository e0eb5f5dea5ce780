"""
The Lyapunov spectrum of an LSTM
================================

How do small perturbations of the state of an LSTM grow while it reads its input? The spectrum of
Lyapunov exponents says it, for all directions at once, with standard errors.
"""

# %%
# A network of torch and its input
# --------------------------------
# Two layers of 16 units read four sequences of random input. The recurrent weights are scaled up by
# a gain, the usual way to make a network chaotic.

import numpy as np
import torch

import rnndyn as rd


def network_with_gain(gain):
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(3, 16, num_layers=2)
    with torch.no_grad():
        for name, weights in lstm.named_parameters():
            if name.startswith("weight_hh"):
                weights *= gain
    return rd.from_torch(lstm)


model = network_with_gain(1.0)
print(model)
inputs = np.random.default_rng(0).normal(size=(4, 2000, 3))

# %%
# The spectrum
# ------------
# The state of an LSTM layer of n units is h and c, so there are 2 n exponents a layer. A tenth of
# the input is left out as transient.
spectrum = rd.lyapunov_spectrum(model, inputs, n_exponents=8, progress=False)
print(spectrum)

# %%
# Every exponent of every sequence has an error from batch means over time; over the sequences there
# is a pooled mean, with an interval.
lower, upper = spectrum.pooled_interval(0.95)
print("largest exponent between", lower[0], "and", upper[0])
ax = rd.plot.lyapunov(spectrum)

# %%
# Has it converged?
# -----------------
print("converged:", spectrum.pooled_converged)
ax = rd.plot.lyapunov_convergence(spectrum, exponents=range(4))

# %%
# Gain and chaos
# --------------
# With a growing gain the largest exponent rises, and past some gain it is positive: the network
# forgets its input and remembers its own past, and two runs with nearly the same start part.
for gain in (1.0, 4.0, 8.0, 16.0):
    one = rd.lyapunov_spectrum(network_with_gain(gain), inputs, n_exponents=1, progress=False)
    error = one.pooled_standard_error[0]
    print(f"gain {gain:4.1f}: largest exponent {one.pooled[0]:+.4f} ± {error:.4f}")

# %%
# In every epoch of a training
# ----------------------------
# Tangent vectors hardly change from one epoch to the next. A call that starts from the frame of the
# last one needs no transient:
first = rd.lyapunov_spectrum(model, inputs[:, :500], n_exponents=4, progress=False)
second = rd.lyapunov_spectrum(
    model, inputs[:, 500:1000], n_exponents=4, frame=first.frame, progress=False
)
print("steps used:", first.n_steps, "of 500, and", second.n_steps, "of 500")
print(second.pooled.round(4))

# %%
# Units
# -----
# Natural logarithms per step unless asked otherwise; here bits per second, if a step takes 10 ms.
print(spectrum.in_units(per="second", dt=0.01, base=2).pooled.round(2))
