"""Steps whose key is confirmed elsewhere: tickets, hand-offs, and what becomes of them."""
