"""What a machine lacks is skipped with a reason, and fails where everything is required."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Require = Callable[[str], Path]


def test_a_missing_program_is_skipped_with_its_name(require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is absent"):
        require("no-such-program")


def test_a_missing_program_fails_when_everything_is_required(require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is absent"):
        require("no-such-program")


def test_a_present_program_is_found(require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = Path(sys.executable)
    monkeypatch.setenv("PATH", str(interpreter.parent))
    assert require(interpreter.name) == interpreter
