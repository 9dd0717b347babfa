"""Files too large to be handed about, for the commands: inspected and verified in a child.

Owns signing one into a temporary file and looking at the result with fresh eyes. The child maps
the file to validate it, within its own limits; this process reads it in pieces.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from signing.commands.checking_process import CheckingProcess
from signing.contract import Validation
from signing.processes.limits import Limits
from signing.reading.mapped_files import whole_file
from signing.validation import validate_pdf

SignFile = Callable[[Path, Path], object]  # from a file into another one

_CHUNK = 1024 * 1024


def validate_whole(path: Path, roots: tuple[bytes, ...], now: datetime) -> Validation:
    """The child's work: the file is mapped, not read."""
    with whole_file(path) as data:
        return validate_pdf(data, roots, now)


def sign_large(path: Path, sign: SignFile, now: datetime, limits: Limits | None) -> Validation:
    """Sign a file into a temporary one and judge that.

    Raises:
        SigningError: refused. FileGaveUp: the result could not be judged within the limits.
        FileChanged: what was there before is no longer the beginning.
    """
    with tempfile.TemporaryDirectory(prefix="motcua-") as folder:
        target = Path(folder) / "signed.pdf"
        sign(path, target)
        if not _begins_with(target, path):
            raise FileChanged
        with CheckingProcess(validate_whole, limits) as validator:
            found = validator.call(target, (), now)
    assert isinstance(found, Validation)
    return found


class FileChanged(Exception):
    """A signed file does not begin with the file that was signed."""


def _begins_with(longer: Path, shorter: Path) -> bool:
    with longer.open("rb") as one, shorter.open("rb") as other:
        while piece := other.read(_CHUNK):
            if one.read(len(piece)) != piece:
                return False
    return True
