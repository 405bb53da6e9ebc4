"""Figures 8 and 9: every cell is there, with a number or a reason."""

import pytest

from orchestrator.reproduction.experiments import figure8, figure9
from orchestrator.reproduction.page import Data, Page, Table


@pytest.mark.parametrize("page", [figure8(), figure9()], ids=["8", "9"])
def test_every_cell_has_a_number_or_a_reason(page: Page) -> None:
    (data,) = [part for part in page.parts if isinstance(part, Data)]
    # 2 FLOP bases x 2 cost bases x 2 models x 2 precisions x 2 SLAs x 36 pairs
    assert len(data.rows) == 2 * 2 * 2 * 2 * 2 * 36
    for row in data.rows:
        *_, benefit, tokens_per_usd, reason = row
        assert bool(benefit) == bool(tokens_per_usd) == (not reason)


@pytest.mark.parametrize("page", [figure8(), figure9()], ids=["8", "9"])
def test_cells_without_a_batch_say_so(page: Page) -> None:
    tables = [part for part in page.parts if isinstance(part, Table)]
    matrices = [table for table in tables if table.header[0].startswith("prefill")]
    assert len(matrices) == 8
    cells = [cell for table in matrices for row in table.rows for cell in row[1:]]
    assert len(cells) == 8 * 36
    assert cells.count("no batch") > 0
    reasons = next(table for table in tables if table.caption == "Why a cell has no batch")
    assert all("at best, limit" in reason or "do not fit" in reason for *_, reason in reasons.rows)


def test_the_baseline_is_one() -> None:
    matrices = [part for part in figure8().parts if isinstance(part, Table) and part.header[0].startswith("prefill")]
    assert all({row[0]: row for row in table.rows}["H100"][5] == "1.00" for table in matrices)
