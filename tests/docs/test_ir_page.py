"""The page on the IR is what its command makes of the definitions."""

from pathlib import Path

from ir.document import COMMAND, page


def test_the_page_is_up_to_date(project: Path) -> None:
    written = (project / "docs/ir.md").read_text(encoding="utf-8")
    assert written == page(), f"definitions have changed since docs/ir.md was made; run: {COMMAND}"
