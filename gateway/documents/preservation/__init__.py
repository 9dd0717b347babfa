"""Keeping documents provable: levels raised later, archive time-stamps renewed."""
