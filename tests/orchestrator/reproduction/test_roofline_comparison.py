"""How near the search comes to the reference's independent roofline."""

from collections.abc import Mapping
from pathlib import Path

from costmodel.phase import Assumptions
from orchestrator.reproduction.roofline_comparison import PAIRS, differences, ours, published


def test_64_cells_by_case_and_pair() -> None:
    cells = published()
    assert len(cells) == 64
    assert cells[("512/4096", "70B", "FP16", "latency"), ("b200", "gaudi3")] == 1.87
    assert set(ours(Assumptions())) == set(cells)


def test_it_is_the_table_of_the_reference(shared: Path) -> None:
    lines = (shared / "REFERENCE.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith(("| 512/4096", "| 4096/512"))]
    read: Mapping[object, float] = {
        ((load, *model.split(), sla), pair): float(value)
        for load, model, *cells in rows
        for pair, cell in zip(PAIRS, cells, strict=True)
        for sla, value in zip(("latency", "throughput"), cell.split("/"), strict=True)
    }
    assert read == published()


def test_all_reduces_by_their_bytes_explain_most_of_what_differs() -> None:
    basis, bytes_only = (list(differences(Assumptions(hop_latency=each)).values()) for each in (True, False))
    assert sum(map(abs, bytes_only)) / 64 < 0.02 < sum(map(abs, basis)) / 64
    assert max(map(abs, bytes_only)) < 0.05
