"""The look that every page of the gateway shares: words, layout, assets, protective headers.

Knows no capability. What a page says belongs to the capability's ``views.py``.
"""
