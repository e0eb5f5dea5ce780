"""Fuzzing of everything that reads files of others: ``python -m bench.fuzz``."""
