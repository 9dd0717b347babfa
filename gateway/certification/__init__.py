"""Certified e-copies: the register, their issue and cancelling, the public verification page."""
