"""The operator's PKCS#11 library, loaded once a process and told that threads use it.

Owns the optional binding (python-pkcs11) and the two calls it lacks, made on the library itself:
initialising for several threads, without which concurrent calls may crash the process (PKCS#11
v2.40 §5.4), and closing the session that a failed login leaves behind. A library that knows no
locking is used by one thread at a time.
"""

from __future__ import annotations

import ctypes
import importlib
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from signing.contract import KeyConfig
from signing.keys.contract import KeyUnavailable

_OS_LOCKING_OK = 2


class _InitializeArguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS: no mutex functions of ours, the system's locks will do."""

    _fields_ = (
        ("create_mutex", ctypes.c_void_p),
        ("destroy_mutex", ctypes.c_void_p),
        ("lock_mutex", ctypes.c_void_p),
        ("unlock_mutex", ctypes.c_void_p),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    )


@dataclass(frozen=True, slots=True)
class Library:
    """A loaded library; enter ``alone`` around every call (it may be no lock at all)."""

    path: str
    bound: Any
    alone: AbstractContextManager[Any]


_libraries: dict[str, Library] = {}
_loading = threading.Lock()


def binding() -> Any:
    """The optional python-pkcs11 package.

    Raises:
        KeyUnavailable: code ``pkcs11_missing``.
    """
    try:
        return importlib.import_module("pkcs11")
    except ImportError:
        raise KeyUnavailable(
            "pkcs11_missing",
            "Máy chủ chưa cài phần hỗ trợ thiết bị ký PKCS#11.",
            "python-pkcs11 is not installed: install motcua-gateway[pkcs11]",
        ) from None


def load(config: KeyConfig) -> Library:
    """The configured library, loaded when first asked for.

    Raises:
        KeyUnavailable: ``pkcs11_missing``, ``token_library``.
    """
    pkcs11 = binding()
    with _loading:
        if config.path not in _libraries:
            try:
                bound = pkcs11.lib(config.path)
                shared = _allow_threads(config.path)
            except (RuntimeError, OSError) as error:  # its own errors are RuntimeErrors too
                raise KeyUnavailable(
                    "token_library",
                    f"Không nạp được thư viện PKCS#11 của khóa “{config.name}”.",
                    f"the library of key {config.name!r} does not load: {type(error).__name__}",
                ) from error
            alone: AbstractContextManager[Any] = nullcontext() if shared else threading.RLock()
            _libraries[config.path] = Library(config.path, bound, alone)
        return _libraries[config.path]


def _allow_threads(path: str) -> bool:
    """Initialise again, for threads: the binding initialises for a single one."""
    library = ctypes.CDLL(path)
    finalize = getattr(library, "C_Finalize", None)
    initialize = getattr(library, "C_Initialize", None)
    if finalize is None or initialize is None:
        return False  # it offers nothing but C_GetFunctionList
    if finalize(None) != 0:
        return False
    if initialize(ctypes.byref(_InitializeArguments(flags=_OS_LOCKING_OK))) == 0:
        return True
    if initialize(None) != 0:
        raise OSError("the library does not initialise again")
    return False


def close_lost_session(library: Library, slot_id: int) -> None:
    """Close what a failed login leaves open: the binding opens a session and forgets it.

    Nothing else is open then on this token, and only the library itself still knows the handle.
    """
    close_all = getattr(ctypes.CDLL(library.path), "C_CloseAllSessions", None)
    if close_all is not None:
        close_all(ctypes.c_ulong(slot_id))
