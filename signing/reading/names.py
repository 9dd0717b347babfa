"""The names in certificates as people read them.

Owns the choice of attributes from a subject or issuer; leaves certificates' worth to others.
"""

from __future__ import annotations

from typing import Any

from asn1crypto import x509


def common_name(name: x509.Name) -> str:
    """The common name, else the whole name in one line."""
    values = _values(name, "common_name")
    return values[0] if values else str(name.human_friendly)


def managing_unit(name: x509.Name) -> str | None:
    """Đơn vị quản lý: organisational units, then the organisation."""
    parts = _values(name, "organizational_unit_name") + _values(name, "organization_name")
    return ", ".join(dict.fromkeys(parts)) or None


def _values(name: x509.Name, kind: str) -> list[str]:
    native: Any = name.native.get(kind)
    if native is None:
        return []
    return [str(v) for v in native] if isinstance(native, list) else [str(native)]
