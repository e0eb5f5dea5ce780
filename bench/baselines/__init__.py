"""Pure-Python peers that the package is measured against."""
