"""The page on the command line names what there is, all of it and nothing else."""

import re
from pathlib import Path

import pytest
import typer

from orchestrator.cli import COMMANDS, app

OPTION = re.compile(r"--[a-z][a-z-]+")


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    return (project / "docs/cli.md").read_text(encoding="utf-8")


def options_of(name: str) -> set[str]:
    group = typer.main.get_command(app)
    command = group.get_command(typer.Context(group), name)
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


def test_the_table_lists_every_command(page: str) -> None:
    assert re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE)[: len(COMMANDS)] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_names_every_option_of_its_command(page: str, name: str) -> None:
    section = re.search(rf"^## `{name}\b.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    shared = {"--debug", "--agent"}
    assert options_of(name) - shared - set(OPTION.findall(section[0])) == set()
    assert all(option in page for option in shared)


def test_every_option_named_exists(page: str) -> None:
    known = set().union(*(options_of(name) for name in COMMANDS)) | {"--help"}
    assert set(OPTION.findall(page)) - known == set()
