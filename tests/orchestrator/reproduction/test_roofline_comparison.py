"""How near the search comes to the reference's independent roofline."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from costmodel.phase import Assumptions, Workload
from orchestrator.reproduction.roofline_comparison import (
    MEASURED_S,
    PAIRS,
    differences,
    ours,
    published,
    tables,
)


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
    basis, bytes_only = (list(differences(Assumptions(hop_share=each)).values()) for each in (1.0, 0.0))
    assert sum(map(abs, bytes_only)) / 64 < 0.02 < sum(map(abs, basis)) / 64
    assert max(map(abs, bytes_only)) < 0.05


def test_the_measured_all_reduces_are_those_of_the_data(shared: Path) -> None:
    with (shared / "data/perf/aic_collectives.csv").open(encoding="utf-8", newline="") as file:
        wanted = ("h100_sxm", "all_reduce", "vLLM_custom_graph", "8")
        found = {
            2 * int(row["message_size"]): float(row["latency_ms"]) / 1e3
            for row in csv.DictReader(file)
            if (row["system"], row["op_name"], row["kernel_source"], row["num_gpus"]) == wanted
        }
    assert {size: found[size] for size in MEASURED_S} == pytest.approx(dict(MEASURED_S), rel=5e-3)
    # the sizes are elements of two bytes: 2 x 7 / 8 x 1 GiB in 4.009 ms is 469 GB/s, of one byte it would be 234
    largest = max(found)
    assert 2 * 7 / 8 * largest / found[largest] == pytest.approx(450e9, rel=0.05)


def test_what_the_formula_gives_for_them() -> None:
    # 2 x 7 / 8 x 4194304 bytes at 450 GB/s = 16.3 us, and 14 hops of 1.5 us = 21 us
    prose = str(tables(Workload(512, 4096))[0])
    assert "4 MiB took 30.8 us, where the formula gives 37.3 us with latency and 16.3 us without" in prose
