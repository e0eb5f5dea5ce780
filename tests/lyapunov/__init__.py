"""Lyapunov spectra against a slow reference, known values and exact answers."""
