"""
Cycles in state space
=====================

A network with ten states has three fixed points and two cycles of order 10. They are drawn in the
plane of the two principal components, over orbits of the network. Filled marks attract.
"""

import rnndyn as rd

network = rd.examples.load("plrnn-10d")
cycles = rd.find_cycles(network, max_order=10, progress=False)
print(cycles)

# %%
ax = rd.plot.state_space(cycles)

# %%
# Two states are drawn as they are, with the borders between the linear regions.
lozi = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), max_order=6, progress=False)
ax = rd.plot.state_space(lozi)

# %%
# One state is drawn as a cobweb: the map, the diagonal, and the cycles as paths between them.
tent = rd.find_cycles(rd.examples.tent_map(1.8), max_order=3, progress=False)
ax = rd.plot.state_space(tent)
