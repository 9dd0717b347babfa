"""Benchmarks: both sides in one run, a ratio against a target. ``python -m benchmarks NAME``."""
