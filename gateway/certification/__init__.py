"""Certified e-copies: the register, their issue and cancelling, the public verification page."""

from gateway.certification import problems as problems  # registers this capability's problem codes
