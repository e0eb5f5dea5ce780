"""
Searching at random, and how sure the answer is
===============================================

A random search may miss cycles. Here the truth is known, because all itineraries of the Lozi map
can be listed: so we see what the published algorithm finds with more and more restarts, and what
the search of this package says about itself.
"""

import matplotlib.pyplot as plt

import rnndyn as rd

lozi = rd.examples.lozi_map(1.7, 0.5)
ORDER = 16
truth = rd.find_cycles(lozi, orders=[ORDER], method="exhaustive", progress=False)
print(f"{len(truth)} cycles of order {ORDER} in all")

# %%
# The published algorithm, stopped after a number of restarts in a row without a new cycle, each
# with at most four candidates:
restarts = [1, 2, 4, 8, 16, 32, 64, 128, 256]
shares = []
for number in restarts:
    found = rd.find_cycles(
        lozi,
        orders=[ORDER],
        method="scyfi",
        max_restarts=number,
        max_iterations=4,
        progress=False,
    )
    shares.append(len(found) / len(truth))
    print(f"stops after {number:3d} in a row: {len(found):3d} cycles")

# %%
# ``method="search"`` starts next to cycles that it knows as well, and estimates its coverage: the
# probability that one more successful restart ends in a cycle that is already known.
cycles = rd.find_cycles(lozi, orders=[ORDER], method="search", progress=False)
statistics = cycles.search.orders[0]
print(f"{len(cycles)} cycles after {statistics.n_restarts} restarts")
print(f"coverage {statistics.coverage:.4f}, at least {statistics.coverage_lower:.4f} (90 %)")

# %%
# Coverage is evidence, not proof: it says nothing about cycles that no restart can reach. A list of
# all itineraries, as above, or ``method="complete"`` leaves no doubt.
figure, ax = plt.subplots()
ax.semilogx(restarts, shares, "C0-o", label="published algorithm")
ax.axhline(len(cycles) / len(truth), color="C1", ls="--", label="search of this package")
ax.set(
    xlabel="restarts in a row without a new cycle",
    ylabel="share of the cycles found",
    ylim=(0.0, 1.05),
)
_ = ax.legend()
