"""What one file may cost the process that reads it, set with the kernel's own limits.

Owns address space, CPU time and core dumps of a child process. Wall clock and killing are its
parent's.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost."""

    seconds: float = 60.0
    memory_bytes: int = 2 * 1024**3


def restrict_memory(limits: Limits) -> None:
    """Bound this process's address space from now on, and let it leave no core dump."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def grant_cpu(limits: Limits) -> None:
    """CPU time is counted over the process's life: grant the next file's share on top."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime + limits.seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
