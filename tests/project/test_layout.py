"""The tree keeps its shape: fixed folders, short files, a line for each file in docs/layout.md, a complete Makefile.

These are the habits of CONTRIBUTING.md that a program can check; `make check` runs them.
"""

import ast
import re
import subprocess
from pathlib import Path

import pytest

PACKAGES = ("orchestrator", "runtime", "placement", "ir", "costmodel")
FOLDERS = {*PACKAGES, "tests", "examples", "docs", "benchmarks", ".ci"}
LINES_AT_MOST = 500
TARGETS = ("help", "demo", "test", "check", "bench", "accuracy", "serve", "clean")

# Paths of one machine and hosts of package registries; written so that this line does not match itself.
FOREIGN = re.compile(r"/(work|root)/|[p]ypi\.|python[h]osted|npm[j]s|deb\.[d]ebian")
LAYOUT_ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def files(project: Path) -> list[Path]:
    """Every file of the checkout that git does not ignore, relative to the project."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=project, capture_output=True, text=True, check=True)
    return sorted({Path(name) for name in done.stdout.split("\0") if name and (project / name).is_file()})


@pytest.fixture(scope="module")
def modules(files: list[Path]) -> list[Path]:
    """The Python files that are not tests."""
    return [file for file in files if file.suffix == ".py" and file.parts[0] != "tests"]


def test_the_top_level_folders_are_fixed(files: list[Path]) -> None:
    assert {file.parts[0] for file in files if len(file.parts) > 1} == FOLDERS


def test_no_python_file_is_too_long(project: Path, files: list[Path]) -> None:
    lines = {str(file): len((project / file).read_bytes().splitlines()) for file in files if file.suffix == ".py"}
    assert {name: count for name, count in lines.items() if count > LINES_AT_MOST} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_typed(project: Path, package: str) -> None:
    assert (project / package / "py.typed").is_file()


@pytest.mark.parametrize("package", PACKAGES[1:])
def test_the_lower_packages_load_nothing_by_themselves(project: Path, package: str) -> None:
    assert (project / package / "__init__.py").read_text(encoding="utf-8") == ""


def test_every_module_says_what_it_is(project: Path, modules: list[Path]) -> None:
    sources = {str(module): (project / module).read_text(encoding="utf-8") for module in modules}
    assert [name for name, source in sources.items() if source and not ast.get_docstring(ast.parse(source))] == []


def test_the_layout_page_lists_every_module(project: Path, modules: list[Path]) -> None:
    named = [match[1] for match in LAYOUT_ROW.finditer((project / "docs/layout.md").read_text(encoding="utf-8"))]
    of_packages = [module for module in modules if module.parts[0] in PACKAGES]
    expected = {str(module) for module in of_packages if (project / module).stat().st_size > 0}
    assert expected - set(named) == set(), "files that docs/layout.md does not list"
    assert [name for name in named if not (project / name).is_file()] == [], "listed, but absent"
    assert sorted(named) == sorted(set(named)), "listed twice"


def test_the_makefile_has_every_target(project: Path) -> None:
    done = subprocess.run(["make", "--silent", "help"], cwd=project, capture_output=True, text=True, check=True)
    assert [line.split()[1] for line in done.stdout.splitlines()] == list(TARGETS)


def test_no_file_names_a_machine_or_a_registry(project: Path, files: list[Path]) -> None:
    contents = {str(file): (project / file).read_bytes().decode("utf-8", errors="ignore") for file in files}
    assert {name: match[0] for name, text in contents.items() if (match := FOREIGN.search(text))} == {}
