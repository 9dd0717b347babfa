"""Translators between Motcua and the outside: one folder a provider, no gateway inside.

A connector says what a provider said; it never decides what that means for a payment or a shipment.
"""
