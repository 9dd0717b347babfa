"""The processes that signing runs in: signers, readers, archivists, talkers, and their limits."""
