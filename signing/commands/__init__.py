"""The work behind ``motcua sign``, ``inspect`` and ``validate``: no gateway, no database.

Owns files in, files out, reports and exit statuses. The commands' words and arguments are the
gateway's; the work on one PDF is done by the other rooms of ``signing``.
"""
