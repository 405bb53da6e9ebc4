"""The two leaf modules import only the standard library, so that every package may use them at no cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LEAVES = ("costmodel.step", "ir.expression")
HEAVY = ("ray", "xdsl", "highspy", "networkx", "numpy", "pydantic", "fastapi")


def imported(source: str) -> set[str]:
    """Top-level names of every module that a source text imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return {name.split(".")[0] or name for name in names}


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_imports_only_the_standard_library(project: Path, leaf: str) -> None:
    source = project.joinpath(*leaf.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    assert imported(source) - sys.stdlib_module_names == set()


def test_loading_the_leaves_loads_nothing_heavy(project: Path) -> None:
    program = f"import sys, {', '.join(LEAVES)}; print(sorted(sys.modules.keys() & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
