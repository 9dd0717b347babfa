"""Small line icons, drawn for this project on a 24 × 24 grid.

Always beside words, never instead of them: each is hidden from assistive technology.
"""

from __future__ import annotations

from markupsafe import Markup

_SHAPES = {
    "check": '<path d="M4 12.5 9.5 18 20 6.5"/>',
    "cross": '<path d="M6 6l12 12M18 6 6 18"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.4l3.5 2.1"/>',
    "warn": '<path d="M12 3.5 22 20.5H2z"/><path d="M12 10v4.5M12 17.4v.2"/>',
    "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.4v.2"/>',
    "copy": '<rect x="8.5" y="8.5" width="12" height="12" rx="1.5"/>'
    '<path d="M15.5 5.5V3.5h-12v12h2"/>',
    "save": '<path d="M12 3.5v12M7 11l5 5 5-5M4 20.5h16"/>',
    "away": '<path d="M13.5 4H20v6.5M20 4 11 13M17 14v6H4V7h6"/>',
    "shield": '<path d="M12 2.8 20 6v5.5c0 5-3.4 8.3-8 9.7-4.6-1.4-8-4.7-8-9.7V6z"/>'
    '<path d="M8.2 12 11 14.8l4.9-5.3"/>',
    "shield-cross": '<path d="M12 2.8 20 6v5.5c0 5-3.4 8.3-8 9.7-4.6-1.4-8-4.7-8-9.7V6z"/>'
    '<path d="M9.2 9.2l5.6 5.6M14.8 9.2l-5.6 5.6"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.3 15.3 21 21"/>',
    "file": '<path d="M14 3H5.5v18h13V7.5zM13.5 3v5h5"/>',
    "print": '<path d="M7 9V3.5h10V9M7 17H4V9h16v8h-3"/><path d="M7 14h10v6.5H7z"/>',
    "bank": '<path d="M3 9.5 12 4l9 5.5zM4 20.5h16M6.5 10v7.5M12 10v7.5M17.5 10v7.5"/>',
    "back": '<path d="M20 12H5M11 6l-6 6 6 6"/>',
}


def icon(name: str, size: int = 24) -> Markup:
    """Draw an icon in the current text colour."""
    return Markup(  # noqa: S704 - our own shapes and an integer
        f'<svg class="icon" aria-hidden="true" focusable="false" width="{size:d}" height="{size:d}"'
        ' viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
        f' stroke-linecap="round" stroke-linejoin="round">{_SHAPES[name]}</svg>'
    )
