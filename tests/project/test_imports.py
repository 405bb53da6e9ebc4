"""What import contracts cannot see: leaves use only the standard library, packages only declared dependencies.

The rules between packages are import-linter's, in pyproject.toml.
"""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PACKAGES = ("orchestrator", "runtime", "placement", "ir", "costmodel")
LEAVES = ("costmodel.step", "ir.expression")
EXTRAS = {"matplotlib": {"orchestrator/reproduction/drawing.py", "orchestrator/commands/pareto_figure.py"}}
"""Optional extras, and the only files that may import them, lazily."""

HEAVY = ("ray", "xdsl", "highspy", "networkx", "numpy", "pydantic", "fastapi")


def imported(file: Path) -> set[str]:
    """Top-level names that a file imports, wherever in it; a relative import counts as an import of ours."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else str(node.module).split(".")[0])
    return names


def normalised(distribution: str) -> str:
    """`Ray[default]>=2` and `ray` are one distribution."""
    return re.split(r"[^A-Za-z0-9._-]", distribution)[0].lower().replace("_", "-")


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_imports_only_the_standard_library(project: Path, leaf: str) -> None:
    file = project.joinpath(*leaf.split(".")).with_suffix(".py")
    assert imported(file) - sys.stdlib_module_names == set()


def test_loading_the_leaves_loads_nothing_heavy(project: Path) -> None:
    program = f"import sys, {', '.join(LEAVES)}; print(sorted(sys.modules.keys() & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_packages_import_only_declared_dependencies(project: Path) -> None:
    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    allowed = {normalised(requirement) for requirement in declared}
    names = set[str]().union(*(imported(file) for package in PACKAGES for file in (project / package).rglob("*.py")))
    third_party = names - sys.stdlib_module_names - {*PACKAGES, ".", *EXTRAS}
    owners = packages_distributions()
    undeclared = {name for name in third_party if not allowed & {normalised(owner) for owner in owners.get(name, [])}}
    assert undeclared == set(), "imported by a package, but not among the dependencies of pyproject.toml"


@pytest.mark.parametrize("name", EXTRAS)
def test_an_extra_is_imported_in_its_file_alone_and_inside_functions(project: Path, name: str) -> None:
    files = [file for package in PACKAGES for file in (project / package).rglob("*.py")]
    assert {str(file.relative_to(project)) for file in files if name in imported(file)} == EXTRAS[name]
    program = "import sys, orchestrator.reproduction.write; print(sorted(sys.modules.keys() & {sys.argv[1]}))"
    command = [sys.executable, "-c", program, name]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
