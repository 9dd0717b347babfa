"""The packaged font files: Noto Sans cut down to Vietnamese, regular and bold (OFL-1.1).

NĐ 30/2020 names Times New Roman, which is proprietary and may not be redistributed; this is the
free stand-in. How they are embedded is each user's own business.
"""

from pathlib import Path

REGULAR = Path(__file__).parent / "NotoSansVN-400.ttf"
BOLD = Path(__file__).parent / "NotoSansVN-700.ttf"
