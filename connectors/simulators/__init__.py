"""Stateful stand-ins for the providers, speaking their wire formats with scripted faults."""
