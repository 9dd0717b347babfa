"""The check sum of a VietQR payload, pure.

CRC-16/CCITT-FALSE (polynomial 1021, start FFFF, not reflected) over everything up to and with
``6304``. It finds typing errors, not forgers: anybody can compute it. EMVCo MPM §4.7.3.
"""

from __future__ import annotations


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
            crc &= 0xFFFF
    return crc


def check_sum(payload_to_6304: str) -> str:
    """Four upper-case hex digits for a payload that ends in ``6304``."""
    return f"{crc16(payload_to_6304.encode('utf-8', 'surrogatepass')):04X}"


def holds(payload: str) -> bool:
    """Say whether a whole payload ends in its own check sum."""
    body, given = payload[:-4], payload[-4:]
    return body.endswith("6304") and check_sum(body) == given
