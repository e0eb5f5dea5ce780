"""
How much does a search know that it has not seen?
=================================================

A random search estimates its coverage: the probability that one more successful restart ends in a
cycle that is already known. Here the truth is known as well, because all cycles can be listed, so
that the estimate can be compared with the share of the cycles that is really there.
"""

import matplotlib.pyplot as plt

import rnndyn as rd

lozi = rd.examples.lozi_map(1.7, 0.5)
ORDER = 12
truth = rd.find_cycles(lozi, orders=[ORDER], method="exhaustive", progress=False)
print(f"{len(truth)} cycles of order {ORDER} in all")

# %%
# Searches that give up early, and some that do not:
restarts = [1, 2, 4, 8, 16, 32, 64, 128, 256]
found, estimated, bound = [], [], []
for number in restarts:
    cycles = rd.find_cycles(
        lozi, orders=[ORDER], method="search", max_restarts=number, progress=False
    )
    statistics = cycles.search.orders[0]
    found.append(len(cycles) / len(truth))
    estimated.append(statistics.coverage)
    bound.append(statistics.coverage_lower)
print(cycles.search.orders[0])

# %%
# Coverage weighs a cycle by how often restarts lead to it, so it is no share of the number of
# cycles; and it is an estimate, not a bound. The bound is.
figure, ax = plt.subplots()
ax.semilogx(restarts, found, "k-o", label="share of the cycles that was found")
ax.semilogx(restarts, estimated, "C0--s", label="estimated coverage")
ax.semilogx(restarts, bound, "C1:^", label="at least, with 90 % confidence")
ax.set(xlabel="restarts in a row without a new cycle before the search stops", ylim=(-0.02, 1.05))
_ = ax.legend()
