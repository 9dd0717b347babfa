"""Looking after certificates that have signed: revocations, what they touch, lists in time."""
