"""A page of the reproduction: prose, tables and figures, written as Markdown, as CSV and as text.

One form for all items, so that each table stands beside the command that makes it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.commands.text import table as aligned


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header. `csv` names the file that holds it too; `brief` tables are also printed."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    csv: str | None = None
    brief: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing in a file beside the page."""

    caption: str
    file: str


@dataclass(frozen=True, slots=True)
class Data:
    """Rows that are too many to read, in a CSV file alone."""

    caption: str
    csv: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Part = str | Table | Figure | Data


@dataclass(frozen=True, slots=True)
class Page:
    """An item of the reproduction. `summary` are the sentences that the index and the terminal show."""

    name: str
    title: str
    summary: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def command(self) -> str:
        """What makes this page again."""
        return f"orchestrator reproduce {self.name}"


def markdown(page: Page) -> str:
    """The page as Markdown, the command beside each table."""
    lines = [f"# {page.title}", "", f"Made by `{page.command}`; change nothing here by hand.", ""]
    lines += [f"- {sentence}" for sentence in page.summary]
    for part in page.parts:
        lines += ["", *_markdown_part(part, page.command)]
    return "\n".join(lines) + "\n"


def text(page: Page) -> str:
    """What the terminal shows: the summary and the brief tables."""
    lines = [page.title, "=" * len(page.title), *(f"* {sentence}" for sentence in page.summary)]
    for part in page.parts:
        if isinstance(part, Table) and part.brief:
            lines += ["", part.caption, aligned(part.header, part.rows)]
    return "\n".join(lines)


def csv_files(page: Page) -> dict[str, str]:
    """The CSV files of a page by name."""
    return {
        part.csv: _csv(part.header, part.rows)
        for part in page.parts
        if isinstance(part, Table | Data) and part.csv is not None
    }


def _markdown_part(part: Part, command: str) -> list[str]:
    match part:
        case str():
            return [part]
        case Figure():
            return [f"![{part.caption}]({part.file})", "", f"{part.caption} (`{command}`)"]
        case Data():
            return [f"{part.caption}: [{part.csv}]({part.csv}) (`{command}`)"]
        case Table():
            link = f", [CSV]({part.csv})" if part.csv else ""
            return [f"{part.caption} (`{command}`{link})", "", *_markdown_table(part)]


def _markdown_table(part: Table) -> list[str]:
    rows = [part.header, ("---",) * len(part.header), *part.rows]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()
