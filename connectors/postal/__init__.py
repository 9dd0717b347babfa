"""Postal carriers, one folder each."""
