"""Motcua: the payment and e-signature gateway of a province's public services."""
