"""Payments: an obligation to pay, its attempts, its evidence, refunds, ledger and checkout.

``rules`` folds evidence into state (pure), ``store`` keeps it, ``service`` decides inside one
transaction, ``http``, ``callbacks`` and ``pages`` are the doors, ``worker`` asks and expires.
"""
