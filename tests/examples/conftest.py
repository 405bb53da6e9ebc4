"""Loads an example the way the command line does."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.functions import load_file


@pytest.fixture
def example(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """`example("voice_agent")` gives the module of `examples/voice_agent.py`."""
    monkeypatch.chdir(project)
    return lambda name: load_file(f"examples/{name}.py").module
