"""The packaged font files: a sans and a serif cut down to Vietnamese (OFL-1.1).

NĐ 30/2020 names Times New Roman, which is proprietary and may not be redistributed; the serif has
the same widths and is its free stand-in (how both were made: BUILD.txt). How they are embedded is
each user's own business.
"""

from pathlib import Path

_HERE = Path(__file__).parent
REGULAR = _HERE / "NotoSansVN-400.ttf"
BOLD = _HERE / "NotoSansVN-700.ttf"
SERIF = _HERE / "MotcuaSerifVN-400.ttf"
SERIF_ITALIC_DATE = _HERE / "MotcuaSerifVN-400i-date.ttf"  # figures and "ngày", "tháng" only
