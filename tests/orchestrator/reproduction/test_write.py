"""The published pages are what the command makes, and every table stands beside its command."""

import re
from pathlib import Path

import pytest

from orchestrator.reproduction import drawing
from orchestrator.reproduction.page import Page, text
from orchestrator.reproduction.write import PAGES, figures, files, pages, write


@pytest.fixture(scope="module")
def made(project: Path) -> list[Page]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        return pages("all")


def test_the_published_pages_are_what_the_command_makes(made: list[Page], project: Path) -> None:
    folder = project / "docs/reproduction"
    texts = files(made)
    different = [name for name, content in texts.items() if (folder / name).read_text(encoding="utf-8") != content]
    assert different == [], "run `orchestrator reproduce all`"
    assert {path.name for path in folder.iterdir()} == {*texts, *figures(made)}


def test_every_table_has_its_command_beside_it(made: list[Page]) -> None:
    for page in made:
        lines = files([page])[f"{page.name}.md"].splitlines()
        heads = [place for place, line in enumerate(lines) if re.fullmatch(r"\|( --- \|)+", line)]
        assert heads, page.name
        assert all(f"`{page.command}`" in lines[place - 3] for place in heads)


def test_every_page_is_in_the_index_and_in_the_terminal(made: list[Page]) -> None:
    index = files(made)["README.md"]
    assert [page.name for page in made] == list(PAGES)
    for page in made:
        assert f"[{page.title}]({page.name}.md)" in index
        assert all(sentence in text(page) for sentence in page.summary)


def test_one_page_is_written_alone(tmp_path: Path) -> None:
    written = write(pages("table5"), tmp_path / "new")
    assert {path.name for path in written} == {"table5.md", "table5.csv"}
    assert all(path.is_file() for path in written)


def test_without_matplotlib_the_tables_still_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "can_draw", lambda: False)
    names = {path.name for path in write(pages("figure4"), tmp_path)}
    assert "figure4.md" in names
    assert not any(name.endswith(".png") for name in names)
