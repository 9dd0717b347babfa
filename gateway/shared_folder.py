"""The folder in which the gateways of one machine count and share, over one database.

Owns its name and its safety: in the machine's temporary folder, of this user, closed to everybody
else. Where that cannot be had (somebody else's folder of that name, a read-only disk) each gateway
keeps to itself, which is told in the log.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

import structlog

from gateway.settings import Settings

_log = structlog.get_logger(__name__)


def shared_folder(settings: Settings, purpose: str) -> str:
    """A folder for one purpose; empty when this gateway is alone or has to keep to itself."""
    url = settings.database.url
    if not url.startswith("postgresql"):  # on SQLite one process works
        return ""
    mark = hashlib.sha256(url.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"motcua-{os.getuid()}-{mark}"
    try:
        for one in (folder, folder / purpose):
            one.mkdir(mode=0o700, exist_ok=True)
            found = one.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                raise PermissionError(str(one))
            if stat.S_IMODE(found.st_mode) & 0o077:
                raise PermissionError(str(one))
    except OSError as error:
        _log.warning("nothing_shared_on_this_machine", error=type(error).__name__)
        return ""
    return str(folder / purpose)
