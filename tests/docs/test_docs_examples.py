"""Every Python block of a page runs, in order and as one file, and prints what a `text` block right after it shows.

The file keeps the page's line numbers, so that a failure points at the page. Places in messages are
compared as `FILE:LINE`, because each edit of a page moves them, and white space as one blank, so that a page may wrap
long messages.
"""

import contextlib
import importlib.util
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

PAGES = ("getting-started", "writing-agents")
PLACE = re.compile(r"[\w./-]+\.py:\d+")


@dataclass(frozen=True)
class Block:
    """A block of Python: the number of its first line, its text, and what it prints (None: the page does not say)."""

    line: int
    code: str
    prints: str | None


def fences(page: str) -> Iterator[tuple[int, int, str, str]]:
    """Every fenced block: its first and last line of content, its language and its text."""
    lines = page.splitlines()
    opened: int | None = None
    for number, line in enumerate(lines, 1):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number
        else:
            yield opened + 1, number - 1, lines[opened - 1].removeprefix("```"), "\n".join(lines[opened : number - 1])
            opened = None


def blocks(page: str) -> Iterator[Block]:
    found = list(fences(page))
    for (line, last, language, text), following in zip(found, [*found[1:], None], strict=True):
        shown = following is not None and following[2] == "text" and following[0] <= last + 4
        if language == "python":
            yield Block(line, text, following[3] if shown and following else None)


def module_of(page: Path, code: list[Block], folder: Path) -> ModuleType:
    """An empty module whose file, in `folder`, holds the page's code on the page's own lines."""
    lines = [""] * max(block.line + block.code.count("\n") for block in code)
    for block in code:
        lines[block.line - 1 : block.line + block.code.count("\n")] = block.code.split("\n")
    file = folder / f"{page.stem.replace('-', '_')}.py"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"docs_{file.stem}", file)
    assert spec is not None
    return importlib.util.module_from_spec(spec)


def comparable(text: str) -> str:
    return PLACE.sub("FILE:LINE", " ".join(text.split()))


@pytest.mark.parametrize("name", PAGES)
def test_the_code_of_a_page_runs_and_prints_what_it_shows(
    name: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = project / "docs" / f"{name}.md"
    code = list(blocks(page.read_text(encoding="utf-8")))
    assert code, f"{page} has no Python block"
    module = module_of(page, code, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    shown: dict[int, str] = {}
    printed: dict[int, str] = {}
    for block in code:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile("\n" * (block.line - 1) + block.code, str(module.__file__), "exec"), module.__dict__)
        if block.prints is not None:
            shown[block.line] = comparable(block.prints)
            printed[block.line] = comparable(output.getvalue())
    assert printed == shown


def test_a_block_is_paired_with_the_text_right_after_it() -> None:
    page = "```python\na\n```\nso:\n```text\n1\n```\n```python\nb\nc\n```\nfar\naway\n```text\n2\n```\n"
    assert list(blocks(page)) == [Block(2, "a", "1"), Block(9, "b\nc", None)]
