"""Reads tables of sourced facts: one value a row, each with where it comes from and how sure it is.

Catalogs of devices and of models share this form, so that no value can be shipped without its source.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from costmodel.errors import CatalogError

COLUMNS = ("id", "field", "value", "source", "confidence")
"""Header of a table of facts; values are in SI base units."""

CONFIDENCE = ("sourced", "computed", "datasheet-from-memory", "estimate", "paper", "goal")
"""How sure a value is: a public source; arithmetic on sourced values; recalled from a public page; a guess; printed
in the reference paper; a design goal of a product that does not exist yet."""

MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from, and how sure it is (one of `CONFIDENCE`)."""

    text: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A value as written, its source, and the place in the file for messages."""

    value: str
    source: Source
    where: str

    def number(self) -> float:
        """The value as a finite, non-negative number. Raises CatalogError."""
        try:
            number = float(self.value)
        except ValueError:
            number = float("nan")
        if not 0 <= number < float("inf"):
            raise CatalogError(f"{self.where}: a value must be a finite number of at least 0, got {self.value!r}")
        return number


Entry = Mapping[str, Fact]
"""The facts of one id, by field."""


def read_facts(path: Path) -> dict[str, dict[str, Fact]]:
    """Facts by id and field. Raises CatalogError naming the file and line of what cannot be read."""
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise CatalogError(f"{path}: a catalog has at most {MAX_BYTES:,} bytes, this one has {len(content):,}")
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read as UTF-8 text ({error}); give the path of a CSV file") from error
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    entries: dict[str, dict[str, Fact]] = {}
    try:
        header = next(rows, list[str]())
        if tuple(header) != COLUMNS:
            raise CatalogError(f"{path}:1: the header must be {','.join(COLUMNS)}, got {','.join(header)!r}")
        for row in rows:
            _add(entries, row, f"{path}:{rows.line_num}")
    except csv.Error as error:
        raise CatalogError(f"{path}:{rows.line_num}: not a CSV line ({error})") from error
    return entries


def _add(entries: dict[str, dict[str, Fact]], row: list[str], where: str) -> None:
    if not row:
        return
    if len(row) != len(COLUMNS) or not all(cell.strip() for cell in row):
        raise CatalogError(f"{where}: a fact needs {', '.join(COLUMNS)}, all filled, got {row}")
    id_, field, value, source, confidence = (cell.strip() for cell in row)
    if confidence not in CONFIDENCE:
        raise CatalogError(f"{where}: confidence must be one of {', '.join(CONFIDENCE)}, got {confidence!r}")
    fields = entries.setdefault(id_, {})
    if field in fields:
        raise CatalogError(f"{where}: {id_} {field} was already given at {fields[field].where}; keep one")
    fields[field] = Fact(value, Source(source, confidence), where)
