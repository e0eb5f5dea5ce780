"""
A proof that nothing is missing, checked
========================================

``method="complete"`` returns a certificate: with ``keep_tree=True`` it holds the whole proof, which
a small independent checker goes through again in exact rational arithmetic.
"""

import matplotlib.pyplot as plt
import numpy as np

import rnndyn as rd

network = rd.examples.load("plrnn-10d")
cycles = rd.find_cycles(network, max_order=3, method="complete", keep_tree=True, progress=False)
print(cycles.certificate)

# %%
verdict = cycles.certificate.verify(network)
print(verdict)

# %%
# The certificate belongs to exactly these parameters. For a network that differs in the last digit
# of one number it proves nothing, and the checker says so.
other = network.with_parameters({"h[0]": np.nextafter(network.get_parameter("h[0]"), np.inf)})
print(cycles.certificate.verify(other))

# %%
# What the proof cost: itineraries that listing would have to solve, and nodes of the search tree.
# An order has one tree up to a radius and one beyond it.
orders = cycles.certificate.proved_orders
parts = cycles.certificate.parts
nodes = [sum(part.n_nodes for part in parts if order in part.orders) for order in orders]
itineraries = [2.0 ** (network.n_units * order) / order for order in orders]
figure, ax = plt.subplots()
ax.semilogy(orders, itineraries, "k--o", label="itineraries")
ax.semilogy(orders, nodes, "C0-s", label="nodes of the proof")
ax.set(xlabel="order", xticks=orders)
_ = ax.legend()
