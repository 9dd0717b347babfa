"""Payment and notification connectors, their simulators and vectors."""
