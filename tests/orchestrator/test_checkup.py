"""What is missing is named with its remedy, and a remark is no failure."""

import socket
from importlib import metadata
from pathlib import Path

import pytest

from orchestrator.checkup import Check, examine, satisfies


def found(port: int, fleets: list[Path]) -> dict[str, Check]:
    return {check.name: check for check in examine(port, fleets)}


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("version", "specifier", "expected"),
    [
        ("0.74.0", ">=0.74,<0.75", True),
        ("0.74", ">=0.74.0,<0.75", True),
        ("0.75.0", ">=0.74,<0.75", False),
        ("0.9", ">=0.10", False),
        ("2.60.0rc1", ">=2.60,<3", True),
        ("1.15.1", "==1.15.1", True),
        ("1.15.1", "", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, specifier: str, expected: bool) -> None:
    assert satisfies(version, specifier) is expected


def test_a_machine_that_runs_these_tests_lacks_nothing(project: Path, free_port: int) -> None:
    checks = found(free_port, [project / "examples/fleets/mixed.yaml"])
    assert [check for check in checks.values() if check.needed and not check.ok] == []
    assert {"Python", "ray", "xdsl", "highspy", "Ray's node process"} <= set(checks)


def test_a_package_that_is_missing_or_too_old(monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "xdsl":
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "typer" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    checks = found(free_port, [])
    assert checks["xdsl"].found == "not installed"
    assert checks["xdsl"].remedy == "python -m pip install 'xdsl<0.75,>=0.74'"
    assert not checks["typer"].ok
    assert checks["highspy"].ok


def test_a_taken_port_is_a_remark(free_port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        check = found(taken.getsockname()[1], [])["service port"]
    assert not check.ok
    assert not check.needed
    assert "--port" in check.remedy


def test_a_fleet_file_that_cannot_be_used(tmp_path: Path, free_port: int) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: bad\ncolour: red\n")
    check = found(free_port, [bad])[f"fleet {bad}"]
    assert not check.ok
    assert "colour" in check.found


def test_a_session_folder_that_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "absent"))
    check = found(free_port, [])["Ray's session folder"]
    assert not check.ok
    assert "RAY_TMPDIR" in check.remedy
