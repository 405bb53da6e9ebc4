"""A place is the nearest line outside the package, relative to the working directory where it can be."""

from pathlib import Path

import pytest

from orchestrator.source import display_path, user_location


def test_a_call_from_here_names_this_line() -> None:
    file, _, line = user_location().rpartition(":")
    assert Path(file).name == Path(__file__).name
    assert "user_location().rpartition" in Path(__file__).read_text().splitlines()[int(line) - 1]


def test_paths_below_the_working_directory_are_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert display_path(str(tmp_path / "a" / "b.py")) == "a/b.py"
    assert display_path("/elsewhere/b.py") == "/elsewhere/b.py"
    assert display_path("<stdin>") == "<stdin>"
