"""Makes the pages that are asked for and writes them: Markdown, CSV, figures, and the index when all are made.

Everything that touches the disk is here; pages themselves are values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.reproduction import drawing, equations, experiments, figure4, findings_page, table5, worked_example
from orchestrator.reproduction.page import Figure, Page, csv_files, markdown

PAGES: Mapping[str, Callable[[], Page]] = {
    "worked-example": worked_example.page,
    "table5": table5.page,
    "figure4": figure4.page,
    "figure8": experiments.figure8,
    "figure9": experiments.figure9,
    "equations": equations.page,
    "findings": findings_page.page,
}
ALL = "all"
INDEX = "README.md"


def pages(what: str) -> list[Page]:
    """The page of this name, or every page for `all`. Raises KeyError for another name."""
    return [make() for make in PAGES.values()] if what == ALL else [PAGES[what]()]


def files(made: Sequence[Page]) -> dict[str, str]:
    """The text files of the pages by name; with the index where every page is among them."""
    found = dict[str, str]()
    for page in made:
        found |= {f"{page.name}.md": markdown(page), **csv_files(page)}
    if {page.name for page in made} == set(PAGES):
        found[INDEX] = index(made)
    return found


def write(made: Sequence[Page], folder: Path) -> list[Path]:
    """Writes the pages' files and, with matplotlib, their figures into a folder; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = files(made)
    for name, content in texts.items():
        (folder / name).write_text(content, encoding="utf-8")
    drawn = figures(made) if drawing.can_draw() else []
    for name in drawn:
        drawing.draw(name, folder)
    return [folder / name for name in (*texts, *drawn)]


def figures(made: Sequence[Page]) -> list[str]:
    """The file names of the pages' figures."""
    return [part.file for page in made for part in page.parts if isinstance(part, Figure)]


def index(made: Sequence[Page]) -> str:
    """The index: each page, the command that makes it, and what it says."""
    lines = [
        "# The paper's evaluation, computed again",
        "",
        "*Efficient and Scalable Agentic AI with Heterogeneous Systems* (Asgar, Nguyen, Katti; arXiv 2507.19635v1), "
        "sections 3 and 5. `orchestrator reproduce all` makes every page here; each also by the command beside it. "
        "All numbers are predictions of a roofline over the paper's table of devices; nothing here was measured. "
        "Verdicts are computed from the results, cell by cell.",
    ]
    for page in made:
        lines += ["", f"## [{page.title}]({page.name}.md)", f"`{page.command}`", ""]
        lines += [f"- {sentence}" for sentence in page.summary]
    return "\n".join(lines) + "\n"
