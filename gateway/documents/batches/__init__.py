"""Many documents under one confirmation."""
