"""Webhooks: the event log, the portals' endpoints and the deliveries to them."""
