"""What pyproject.toml promises: licence, Python, extras, bounded dependencies, and what an installation offers."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def declared(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_licence_and_python(declared: dict[str, Any]) -> None:
    assert declared["license"] == "Apache-2.0"
    assert declared["requires-python"] == ">=3.11"


def test_the_extras(declared: dict[str, Any]) -> None:
    assert set(declared["optional-dependencies"]) == {"dev", "figures", "bench"}


def test_every_dependency_has_both_bounds(declared: dict[str, Any]) -> None:
    lists = [declared["dependencies"], *declared["optional-dependencies"].values()]
    requirements = [requirement for requirements in lists for requirement in requirements]
    assert [text for text in requirements if not re.search(r">=[0-9.]+,<[0-9.]+$", text)] == []


def test_the_installed_project_offers_its_command_and_its_dialects() -> None:
    entry_points = distribution("agent-orchestrator").entry_points
    assert {(point.group, point.name, point.value) for point in entry_points} == {
        ("console_scripts", "orchestrator", "orchestrator.cli:main"),
        ("xdsl.universe", "orchestrator", "ir.universe:ORCHESTRATOR_UNIVERSE"),
    }
