"""Fixtures of every test: what a test may need beside the project, skipped with a reason where it is absent.

With REQUIRE_ALL=1 such a skip is a failure, so that the full check of a fresh clone cannot pass by leaving tests out.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

PROJECT = Path(__file__).resolve().parent.parent


def absent(what: str, remedy: str) -> NoReturn:
    """Ends the test: skipped, or failed where REQUIRE_ALL=1 says that nothing may be missing."""
    reason = f"{what} is absent: {remedy}"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{reason} (REQUIRE_ALL=1)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's top folder."""
    return PROJECT


@pytest.fixture
def shared() -> Path:
    """The folder of reference data beside the project; only tests read it, never the product.

    No script can install it, so its absence is a skip even where REQUIRE_ALL=1.
    """
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"the reference folder {folder.name}/ beside the project is absent: lay it there to run this test")
    return folder


@pytest.fixture
def require() -> Callable[[str], Path]:
    """`require("chromium")` gives the path of a program, or skips the test (fails it with REQUIRE_ALL=1)."""

    def program(name: str) -> Path:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
        # Debian keeps PostgreSQL's server programs off the PATH.
        servers = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        if not servers:
            absent(f"the program {name}", "install it and put it on the PATH")
        return servers[-1]

    return program
