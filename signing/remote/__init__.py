"""Signing in two halves, for keys whose owner confirms elsewhere; hand-offs to a desktop."""
