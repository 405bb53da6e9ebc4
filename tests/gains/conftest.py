"""One warm Ray for the tests of a file that measure a gain."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.ray_session import open_session
from runtime.run_options import RunOptions
from tests.gains.measure import DEVICES


@pytest.fixture(scope="module")
def local_ray(project: Path) -> Iterator[None]:
    """Ray with simulated devices, which all plans of a file share. A test that asks for it needs the mark `ray`."""
    session = open_session(DEVICES, RunOptions(root=project, resources=DEVICES))
    yield
    session.close()


@pytest.fixture(autouse=True)
def in_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans name functions by their path from the project."""
    monkeypatch.chdir(project)
