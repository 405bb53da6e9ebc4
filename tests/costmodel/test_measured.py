"""Measured servings from CSV: a user's columns, the public table, and rows that say too little."""

from pathlib import Path

import pytest

from costmodel.errors import ProfileError
from costmodel.measured import COLUMNS, read_measured

HEADER = ",".join(COLUMNS)


def write(folder: Path, *lines: str) -> Path:
    path = folder / "runs.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    rows, left = read_measured(
        write(
            tmp_path,
            f"{HEADER},engine",
            "llama3.1-8b,h100_sxm,1,fp16,1024,128,8,0.191,0.00794,vllm 0.12.0",
            "llama3.1-8b,h100_sxm,1,fp16,1024,128,16,,0.00977,",
        )
    )
    assert left == ()
    assert [(each.ttft_s, each.tpot_s) for each in rows] == [(0.191, 0.00794), (None, 0.00977)]
    assert rows[0].point.engine == "vllm 0.12.0"
    assert rows[1].point.engine is None
    assert rows[0].dataset == "runs"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nothing,h100_sxm,1,fp16,1024,128,8,0.1,0.01", "no model"),
        ("llama3.1-8b,nothing,1,fp16,1024,128,8,0.1,0.01", "no device"),
        ("llama3.1-8b,h100_sxm,x,fp16,1024,128,8,0.1,0.01", "tp must be a number"),
        ("llama3.1-8b,h100_sxm,1,fp16,1024,128,8,,", "neither ttft_s nor tpot_s"),
        ("llama3.1-8b,h100_sxm,1,fp16,1024,128,8,0.1,-1", "above 0"),
        ("llama3.1-8b,h100_sxm,1,fp16,1024,128,8,100,8", "give seconds, not milliseconds"),
        ("llama3.1-70b,h100_sxm,1,fp16,1024,128,8,0.1,0.01", "one call of 1,152 tokens"),
    ],
)
def test_a_row_that_is_not_used_says_why(tmp_path: Path, row: str, reason: str) -> None:
    rows, left = read_measured(write(tmp_path, HEADER, row))
    assert rows == ()
    assert left[0].where == "runs.csv:2"
    assert reason in left[0].reason


def test_another_header_is_an_error_that_names_the_columns(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="missing: model, device"):
        read_measured(write(tmp_path, "a,b", "1,2"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        read_measured(tmp_path / "none.csv")


def test_the_public_table(shared: Path) -> None:
    rows, left = read_measured(shared / "data" / "perf" / "inferencex_aic_silicon_e2e.csv")
    assert len(rows) == 750
    assert len(left) == 12
    assert {each.point.device.id for each in rows} == {"h100_sxm", "h200_sxm"}
    assert {each.point.model.id for each in rows} == {"llama3.1-8b", "llama3.1-70b", "qwen3-32b"}
    assert {each.point.precision for each in rows} == {"fp16", "fp8"}
