"""Sample views of the verification page: a fictitious copy, all verdicts."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.certification.views import (
    CheckOutcome,
    Ending,
    EntryView,
    Facts,
    FileVerdict,
    Verdict,
    VerificationView,
)
from gateway.frame.layout import Frame

NOW = datetime(2026, 11, 5, 16, 45, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
TOKEN = "7F3K9QXM2HTD"
PAGE = f"/v/{TOKEN}"
ISSUED_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
FIRST_HASH = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
YES, NO, OPEN = CheckOutcome.YES, CheckOutcome.NO, CheckOutcome.OPEN


def frame(lang="vi", path=PAGE):
    return Frame(
        path=path,
        lang=lang,
        service="verify.service",
        agency="UBND phường A",
        province="tỉnh Thái Nguyên",
        phone="0208 3123 456",
        hours="7:30–17:00, thứ Hai đến thứ Sáu",
    )


def facts(**changes):
    values = {
        "kind": "Bản sao điện tử từ bản chính",
        "number": "05",
        "book": "01/2026-SCT/BS",
        "agency": "UBND phường A, tỉnh Thái Nguyên",
        "certified_at": NOW,
        "signer": "Trần Thị Bích",
        "signer_title": "Phó Chủ tịch",
        "pages": 12,
        "hashes": (ISSUED_HASH, FIRST_HASH),
    }
    return Facts(**{**values, **changes})


def verification(verdict=Verdict.VALID, lang="vi", **changes):
    checks = tuple((name, YES) for name in ("register", "status", "person", "agency", "timestamp"))
    values = {
        "frame": frame(lang),
        "verdict": verdict,
        "now": NOW,
        "url": f"https://mot-cua.example{PAGE}",
        "facts": facts(),
        "checks": checks,
        "file_action": f"{PAGE}/file",
    }
    return VerificationView(**{**values, **changes})


def verifications(lang="vi"):
    """Every verdict of the guide's table, and every verdict about a file."""
    ending = Ending(number="12/QĐ-UBND", at=NOW, body="Chủ tịch UBND phường A")
    cancelled = (("register", YES), ("status", NO), ("person", YES), ("agency", YES))
    bare = {"facts": None, "checks": (), "file_action": ""}
    found = {
        "valid": verification(lang=lang),
        "revoked": verification(Verdict.REVOKED, lang, ending=ending, checks=cancelled),
        "replaced": verification(
            Verdict.REPLACED, lang, ending=Ending(number="06", at=NOW), checks=cancelled
        ),
        "unknown": verification(Verdict.UNKNOWN, lang, **bare),
        "unclear": verification(
            Verdict.UNCLEAR, lang, checks=(("register", YES), ("person", OPEN))
        ),
        "down": verification(Verdict.DOWN, lang, **bare),
    }
    for verdict in FileVerdict:
        found[f"file_{verdict}"] = verification(lang=lang, file_verdict=verdict)
    found["file_problem"] = verification(lang=lang, problem="not_pdf")
    return found


def entry(lang="vi", **changes):
    return EntryView(**{"frame": frame(lang, "/v"), "action": "/v", **changes})
