"""Deliveries by post: orders, tracking, money collected at the door, the papers that travel."""
