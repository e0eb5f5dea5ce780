"""
A bifurcation diagram without step size
=======================================

Between two parameter values every bifurcation is a zero of a polynomial, so two values are enough:
the ends of the interval. Lines are cycles, solid where stable; marks are the events.
"""

import rnndyn as rd

tent = rd.examples.tent_map()
diagram = rd.bifurcation_diagram(tent, "W[0,0]", (-2.2, -4.0), max_order=3)
print(diagram)

# %%
ax = rd.plot.bifurcation_diagram(diagram)

# %%
# The slope on the right is A + W. At W = -3 it passes -1 and the fixed point loses its stability
# (degenerate flip); the two cycles of order 3 are born together at -3.5 (nonsmooth fold).
for event in diagram.events:
    print(f"W = {event.value:.12f}  {event.kind}, {event.outcome}")
