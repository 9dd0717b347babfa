"""Files to be kept provable, whoever keeps them: documents, certified copies.

A *keeper* (``kept.Keeper``) registers its files; this room reckons until when each can be proven,
queues what ends soon or fell short, works through the queue, tells before it is too late, and lets
go when the retention period is over. What a longer file becomes (a revision, a copy's next file)
is the keeper's. Knows no keeper by name.
"""
