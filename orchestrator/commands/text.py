"""How the command line writes amounts and tables: scaled for reading, never rounded to nothing.

Plain aligned columns, so that the output is the same in a terminal, a pipe and a document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

SIGNIFICANT_DIGITS = 4


def usd(amount: float) -> str:
    """Dollars with four significant digits or cents, whichever is more, and no exponent.

    >>> usd(0.095), usd(0.0000123449), usd(1250.0)
    ('$0.095', '$0.00001234', '$1250.00')
    """
    whole = abs(amount) >= 100
    digits = f"{amount:.2f}" if whole else format(Decimal(f"{amount:.{SIGNIFICANT_DIGITS}g}"), "f")
    return f"-${digits[1:]}" if digits.startswith("-") else f"${digits}"


def json_text(document: Mapping[str, Any]) -> str:
    """A document as JSON, indented for reading."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def percent(fraction: float) -> str:
    """A fraction as a percentage with two decimals: `0.13%`."""
    return f"{fraction * 100:.2f}%"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Aligned columns, two spaces apart, with a line under the header. Columns named in `right` are aligned right."""
    widths = [max(len(line[column]) for line in (header, *rows)) for column in range(len(header))]
    lines = [_line(header, header, widths, right), "  ".join("-" * width for width in widths)]
    return "\n".join([*lines, *(_line(row, header, widths, right) for row in rows)])


def _line(cells: Sequence[str], header: Sequence[str], widths: Sequence[int], right: Sequence[str]) -> str:
    aligned = (
        cell.rjust(width) if name in right else cell.ljust(width)
        for cell, name, width in zip(cells, header, widths, strict=True)
    )
    return "  ".join(aligned).rstrip()
