"""Data to train on: systems integrated by SciPy, digits read row by row, and text.

The systems need SciPy and the digits scikit-learn: ``pip install "rnndyn[datasets]"``.
"""

from rnndyn.training.datasets._series import TimeSeries
from rnndyn.training.datasets.digits import SequentialDigits, sequential_digits
from rnndyn.training.datasets.systems import bursting_neuron, ellipse, lorenz63, roessler
from rnndyn.training.datasets.text import CharacterText, character_text

__all__ = [
    "CharacterText",
    "SequentialDigits",
    "TimeSeries",
    "bursting_neuron",
    "character_text",
    "ellipse",
    "lorenz63",
    "roessler",
    "sequential_digits",
]
