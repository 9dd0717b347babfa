"""A development PKI: real protocols, worthless certificates, marked as such in every name."""

from signing.devpki.authority import DevPki, DevPkiKey
from signing.devpki.server import DevPkiServer

__all__ = ["DevPki", "DevPkiKey", "DevPkiServer"]
