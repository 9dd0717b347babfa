"""Motcua: the payment and e-signature gateway of a province's public services."""

__version__ = "0.1.0"
