"""Where the operator's data lies, and reading the tables that no capability reads by itself.

Owns finding ``config/`` beside the source or where the wheel put it. What a table means is its
capability's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.documents.templates import TemplateBook, read_templates
from gateway.settings import ConfigurationError


def data_folder(name: str) -> Path:
    """A folder of the operator's data: beside the source, or where the wheel put it."""
    beside = Path(__file__).resolve().parents[1] / "config" / name
    return beside if beside.is_dir() else Path(sys.prefix) / "share" / "motcua" / "config" / name


def document_templates(path: str) -> TemplateBook:
    """The register of document templates: the operator's file, or the one that ships.

    Raises:
        ConfigurationError: it cannot be read, or contradicts itself.
    """
    try:
        file = Path(path) if path else data_folder("templates") / "documents.toml"
        return read_templates(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError([f"signing.templates: {error}"]) from error
