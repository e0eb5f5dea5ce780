"""Benchmarks that print tables: ``python -m bench <name> [--quick]``. Timing is never a test."""
