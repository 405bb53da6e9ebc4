"""`orchestrator calibrate`: a CSV of one's own, a folder, a run's report, and the profile that `predict` takes."""

import json
from pathlib import Path

import pytest

from costmodel.calibration import load_calibration
from costmodel.measured import COLUMNS
from orchestrator.cli import invoke

ROWS = [f"llama3.1-8b,l40s,1,fp8,{500 + 100 * each},128,{1 + each},,{0.02 + 0.001 * each}" for each in range(8)]


def write(path: Path, rows: list[str] = ROWS) -> Path:
    path.write_text("\n".join((",".join(COLUMNS), *rows)) + "\n", encoding="utf-8")
    return path


def test_a_csv_of_ones_own_becomes_a_profile_that_predict_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = write(tmp_path / "own.csv", [*ROWS, "nothing,l40s,1,fp8,500,128,1,,0.02"]), tmp_path / "profile.yaml"
    assert invoke(["calibrate", str(source), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "8 rows used, 1 not" in text
    assert "first own.csv:10" in text
    assert "tpot  l40s  llama3.1-8b  8 rows" in text
    assert "device:l40s" in load_calibration(out).coefficients
    point = ["--model", "llama3.1-8b", "--device", "l40s", "--precision", "fp8", "--input", "800", "--output", "128"]
    predicted = []
    for arguments in ([], ["--calibration", str(out)]):
        assert invoke(["predict", *point, "--concurrency", "4", "--json", *arguments]) == 0
        predicted.append(json.loads(capsys.readouterr().out)["tpot_s"]["value"])
    shipped_s, own_s = predicted
    assert abs(own_s - 0.023) < abs(shipped_s - 0.023)
    assert invoke(["predict", *point, "--calibration", str(out)]) == 0
    assert "note: too few servings on l40s were measured for an interval of its own" in capsys.readouterr().out


def test_a_folder_gives_every_file_of_servings_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv", ROWS[:2])
    (tmp_path / "c.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    assert invoke(["calibrate", str(tmp_path), "--out", str(tmp_path / "profile.yaml")]) == 0
    assert "10 rows used, 0 not" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("own.csv", "a,b\n1,2\n", "has the columns model, device"),
        ("report.json", "{}", "name its plan with --plan"),
    ],
)
def test_what_cannot_be_used_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert invoke(["calibrate", str(tmp_path / name), "--out", str(tmp_path / "profile.yaml")]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            "nothing,l40s,1,fp8,500,128,1,,0.02",
            "none of the 1 servings can be used: no model in the catalog: 'nothing'",
        ),
        ("llama3.1-8b,l40s,1,fp8,500,128,1,,fast", "tpot_s must be a number, got 'fast'"),
        ("llama3.1-8b,l40s,1.5,fp8,500,128,1,,0.02", "tp must be a whole number, got '1.5'"),
        ("llama3.1-8b,l40s,1,fp8,500,128,1,,-1", "above 0 and finite, got tpot_s '-1'"),
    ],
)
def test_servings_of_which_none_can_be_used_say_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str, reason: str
) -> None:
    source = write(tmp_path / "own.csv", [row])
    assert invoke(["calibrate", str(source), "--out", str(tmp_path / "profile.yaml")]) == 1
    assert reason in capsys.readouterr().err


def test_a_folder_without_servings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["calibrate", str(tmp_path), "--out", str(tmp_path / "profile.yaml")]) == 1
    assert "none of its CSV files" in capsys.readouterr().err


def test_the_shipped_calibration_is_what_the_public_servings_give(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "profile.yaml"
    assert invoke(["calibrate", str(shared / "data" / "perf"), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "750 rows used, 12 not" in text
    assert "419 offline batches widen intervals of what has no servings" in text
    shipped, found = load_calibration(), load_calibration(out)
    assert found.coefficients.keys() == shipped.coefficients.keys()
    for key, each in found.coefficients.items():
        assert each.values() == pytest.approx(shipped.coefficients[key].values(), rel=0.05, abs=1e-3), key
    for quantity, spreads in found.spread.items():
        for name, each in spreads.items():
            assert each.ends(0.01) == pytest.approx(shipped.spread[quantity][name].ends(0.01), rel=0.05), name
