"""Writes an author's file and loads it, so that a test can say what happens on which of its lines."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.functions import LoadedFile, load_file

PRELUDE = (
    "from orchestrator import *; from orchestrator import ToolCall, ToolCalls; from dataclasses import dataclass\n"
    "from typing import Any, Literal; import enum\n"
)
"""The first two lines of every written file; a test's own text starts on line 3."""

Write = Callable[[str], LoadedFile]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Loads `agents.py` with the given text after `PRELUDE`, from a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> LoadedFile:
        file = tmp_path / "agents.py"
        file.write_text(PRELUDE + textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return load_file("agents.py")

    return write
