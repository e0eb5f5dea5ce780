"""Damage at random: what storage, transfer and attackers do to files."""

import numpy as np

_NUMBERS = (0, 1, 2**24, 2**31 - 1, 2**32 - 1)


def mutated(data, rng):
    """Return a copy with one to four places damaged."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not changed:
            break
        start = int(rng.integers(len(changed)))
        match int(rng.integers(8)):
            case 0 | 1 | 2:
                changed[start] ^= 1 << int(rng.integers(8))
            case 3:
                changed[start] = int(rng.choice([0, 1, 127, 128, 255, rng.integers(256)]))
            case 4:
                changed[start : start + 4] = int(rng.choice(_NUMBERS)).to_bytes(4, "little")
            case 5:
                if rng.random() < 0.3:
                    del changed[start:]
                else:
                    del changed[start : start + int(rng.integers(1, 9))]
            case 6:
                size = int(rng.integers(1, 9))
                changed[start:start] = bytes(rng.integers(0, 256, size, dtype=np.uint8))
            case 7:
                other = int(rng.integers(len(changed)))
                changed[start : start + 8] = changed[other : other + 8]
    return bytes(changed)
