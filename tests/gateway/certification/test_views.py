"""The verification page: honest verdicts, public facts, nothing personal."""

import re

import pytest

from gateway.certification.views import FileVerdict, Verdict, render_entry, render_verification
from tests.gateway.certification import page_samples as samples
from tests.gateway.payments.test_views import heading, text_of

VERDICTS = {
    "valid": (
        "Bản sao chứng thực điện tử này có hiệu lực",
        "Đối chiếu lúc 16:45 ngày 05/11/2026 với sổ chứng thực của UBND phường A",
        "This certified electronic copy is valid",
    ),
    "revoked": (
        "Bản sao này đã bị hủy bỏ giá trị pháp lý",
        (
            "Quyết định số 12/QĐ-UBND ngày 05/11/2026 của Chủ tịch UBND phường A. "
            "Không sử dụng văn bản này."
        ),
        "This copy has been cancelled",
    ),
    "replaced": (
        "Bản sao này đã được thay thế",
        "Đã được thay bằng bản số 06 ngày 05/11/2026 .",
        "Replaced by no. 06",
    ),
    "unknown": (
        "Không tìm thấy mã này",
        (
            "Kiểm tra lại từng ký tự (không có chữ O và số 0 lẫn nhau). Nếu mã in trên giấy tờ vẫn "
            "không có, hãy báo 0208 3123 456: có thể là giấy tờ giả."
        ),
        "We cannot find this code",
    ),
    "unclear": (
        "Chưa kiểm tra được tình trạng chứng thư số của người ký",
        "(lúc 16:45 ngày 05/11/2026 ). Chữ ký không sai, nhưng chưa đủ căn cứ.",
        "Signer certificate status could not be checked",
    ),
    "down": (
        "Chưa tra được sổ chứng thực",
        "Đây không phải là kết luận giấy tờ sai.",
        "The register cannot be reached",
    ),
}


@pytest.mark.parametrize("name", sorted(VERDICTS))
def test_every_verdict_has_its_exact_words(name):
    """The guide's table, in both languages."""
    title, body, english = VERDICTS[name]
    html = render_verification(samples.verifications()[name])
    assert heading(html) == title
    assert body in text_of(html)
    assert english in text_of(render_verification(samples.verifications("en")[name]))


def test_no_verdict_is_without_words():
    """A new verdict without a sample fails here."""
    assert set(VERDICTS) == {verdict.value for verdict in Verdict}


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (FileVerdict.OK, "Tệp trùng khớp với bản đã phát hành"),
        (
            FileVerdict.NEWER,
            (
                "Tệp là bản đã phát hành, có thêm dữ liệu lưu trữ lâu dài của chữ ký. "
                "Nội dung không đổi."
            ),
        ),
        (
            FileVerdict.CHANGED,
            "Tệp đã bị thay đổi hoặc không phải bản đã phát hành Không sử dụng tệp này.",
        ),
        (FileVerdict.UNCLEAR, "Chữ ký không sai, nhưng chưa đủ căn cứ."),
        (FileVerdict.UNCHECKED, "Đây không phải là kết luận giấy tờ sai."),
    ],
)
def test_every_file_verdict_is_shown(verdict, said):
    """What an uploaded file turned out to be, before any script runs."""
    html = render_verification(samples.verification(file_verdict=verdict))
    shown = re.search(rf'<p class="note \w+" data-file-note="{verdict}">.*?</p>', html, re.DOTALL)
    assert said in text_of(shown[0])


def test_only_the_asked_for_file_verdict_is_visible():
    """Notes for the script stay hidden until it has something to say."""
    html = render_verification(samples.verification(file_verdict=FileVerdict.CHANGED))
    visible = re.findall(r'data-file-note="(\w+)">', html)
    assert visible == ["changed"]


def test_all_issued_hashes_are_compared_and_the_newest_shown_in_groups():
    """Archiving changes the hash; both files are ours."""
    html = render_verification(samples.verification())
    assert f'data-hashes="{samples.ISSUED_HASH} {samples.FIRST_HASH}"' in html
    assert "9f86 d081 884c 7d65" in html


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.DOWN])
def test_nothing_is_shown_of_what_is_not_known(verdict):
    """No facts, no checks, no file form, no colour of guilt."""
    html = render_verification(samples.verification(verdict, facts=None, checks=(), file_action=""))
    assert "<dl" not in html
    assert "<form" not in html
    assert 'class="panel neutral"' in html


def test_an_outcome_is_a_word_and_not_only_a_colour():
    """Đạt, Không đạt, Chưa rõ."""
    text = text_of(render_verification(samples.verifications()["revoked"]))
    assert "Chưa bị hủy bỏ, chưa bị thay thế Không đạt" in text
    assert "Chữ ký số của người có thẩm quyền chứng thực Đạt" in text


@pytest.mark.parametrize("verdict", [Verdict.REVOKED, Verdict.REPLACED])
def test_an_ended_copy_must_name_what_ended_it(verdict):
    """A cancelling without a decision is not a cancelling."""
    with pytest.raises(ValueError, match="ended"):
        render_verification(samples.verification(verdict, ending=None))


def test_a_valid_copy_must_have_facts():
    """No verdict without a register entry."""
    with pytest.raises(ValueError, match="facts"):
        render_verification(samples.verification(facts=None))


def test_a_wrong_file_is_told_at_the_field():
    """Not a PDF: summary, field and title say it."""
    html = render_verification(samples.verification(problem="not_pdf"))
    assert html.count("Chỉ nhận tệp PDF") == 2
    assert "<title>Lỗi: " in html
    assert 'aria-invalid="true"' in html


def test_hostile_facts_stay_text():
    """Titles come from documents that strangers made."""
    facts = samples.facts(kind='"><script>x</script>', signer="<b>&", book="'\"")
    html = render_verification(samples.verification(facts=facts))
    assert "<script>x" not in html
    assert "&lt;b&gt;&amp;" in html


def test_the_entry_page_keeps_what_was_typed():
    """A wrong code need not be typed again."""
    html = render_entry(samples.entry(code='7F3K"<x>', problem="code_missing"))
    assert 'value="7F3K&#34;&lt;x&gt;"' in html
    assert html.count("Nhập mã in dưới mã QR của văn bản") == 2
