"""Closed formulas for numbers of cycles."""


def moebius(n: int) -> int:
    """The Moebius function."""
    result = 1
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            n //= divisor
            if n % divisor == 0:
                return 0
            result = -result
        divisor += 1
    return -result if n > 1 else result


def moebius_cycle_counts(n_symbols: int, order: int) -> int:
    """Primitive cycles of a full shift: (1/k) sum over d | k of mu(d) n^(k/d)."""
    total = sum(
        moebius(d) * n_symbols ** (order // d) for d in range(1, order + 1) if order % d == 0
    )
    return total // order
