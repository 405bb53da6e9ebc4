"""`orchestrator predict`: one point as text and JSON, a table with bad rows, and prices."""

import csv
import json
import time
from pathlib import Path

import pytest

from orchestrator.cli import invoke
from orchestrator.predictions import COLUMNS, FIGURES

POINT = ("--model", "llama3.1-8b", "--device", "h100_sxm", "--concurrency", "32")


def predicted(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert invoke(["predict", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def table(path: Path, rows: list[tuple[object, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([(*COLUMNS, "mine"), *rows])
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_point_has_every_figure_between_its_ends_and_no_better_than_the_bound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = predicted(capsys, *POINT)
    for name in FIGURES:
        figure = document[name]
        assert figure["low"] <= figure["value"] <= figure["high"], name
        if name == "tokens_per_s":
            assert figure["high"] <= figure["bound"]
        else:
            assert figure["low"] >= figure["bound"] * 0.999, name


def test_figures_follow_from_one_another(capsys: pytest.CaptureFixture[str]) -> None:
    document = predicted(capsys, *POINT, "--output", "101")
    value = {name: document[name]["value"] for name in FIGURES}
    assert value["e2e_s"] == pytest.approx(value["ttft_s"] + 100 * value["tpot_s"])
    assert value["tokens_per_s"] == pytest.approx(32 * 101 / value["e2e_s"])
    # $1.212848 an hour by the default annuity (tests/costmodel/test_tco.py)
    assert value["usd_per_million_tokens"] == pytest.approx(1.212848 / 3600 / value["tokens_per_s"] * 1e6, rel=1e-5)
    # 700 W x (0.56 + 0.037 x log2 of the 32 sequences at once)
    assert value["j_per_token"] == pytest.approx(700 * 0.745 / value["tokens_per_s"])


def test_an_engine_that_was_measured_narrows_the_interval(capsys: pytest.CaptureFixture[str]) -> None:
    unknown, told = predicted(capsys, *POINT), predicted(capsys, *POINT, "--engine", "trtllm 1.0.0rc3")

    def width(document: dict[str, object]) -> float:
        figure = document["tpot_s"]
        return figure["high"] / figure["low"]  # pyright: ignore[reportIndexIssue]

    assert width(told) < width(unknown)


def test_text_names_the_calibration_and_the_bound(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["predict", *POINT]) == 0
    text = capsys.readouterr().out
    assert "time between tokens, s" in text
    assert "calibration: " in text
    assert "interval: 80 %" in text


def test_a_device_without_data_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    known = predicted(capsys, *POINT)
    unknown = predicted(capsys, "--model", "llama3.1-8b", "--device", "mi300x", "--concurrency", "32")
    assert unknown["notes"]

    def width(document: dict[str, object]) -> float:
        return document["tpot_s"]["high"] / document["tpot_s"]["low"]

    assert width(unknown) > width(known)


def test_amounts_of_the_point_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    document = predicted(capsys, *POINT, "--input", "4000")
    assert (document["tp"], document["input_tokens"], document["concurrency"]) == (1, 4000, 32)
    assert invoke(["predict", *POINT, "--input", "4000"]) == 0
    assert "4,000 tokens in, 256 out, 32 callers" in capsys.readouterr().out


def test_a_precision_without_units_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["predict", "--model", "llama3.1-8b", "--device", "a100_80_sxm", "--precision", "fp8"]) == 0
    assert "note: a100_80_sxm has no fp8 units: weights are read as fp8 and computed in fp16" in capsys.readouterr().out


def test_prefix_hits_and_drafts_are_uncalibrated_options(capsys: pytest.CaptureFixture[str]) -> None:
    plain = predicted(capsys, *POINT)
    other = predicted(capsys, *POINT, "--prefix-hit", "0.5", "--speculate", "3:0.7")
    assert other["ttft_s"]["value"] < plain["ttft_s"]["value"]
    assert other["tpot_s"]["value"] < plain["tpot_s"]["value"]
    assert other["notes"][0].startswith("uncalibrated, by the step model")
    for wrong, said in (("3", "such as 3:0.7, got '' and '3'"), ("3:1", "accepted with a probability in [0, 1)")):
        assert invoke(["predict", *POINT, "--speculate", wrong]) == 1
        assert said in capsys.readouterr().err


def test_a_table_may_have_prefix_hits_of_its_own(tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(
        ",".join(COLUMNS) + ",prefix_hit,speculate\n" + "llama3.1-8b,h100_sxm,1,fp16,4096,256,8,{},\n" * 2
    )
    source.write_text(source.read_text().replace("{}", "0.5", 1).replace("{}", "", 1))
    assert invoke(["predict", "--csv", str(source), "--out", str(out)]) == 0
    hit, none = read(out)
    assert float(hit["ttft_s"]) < float(none["ttft_s"])
    assert "uncalibrated" in hit["notes"]
    assert "uncalibrated" not in none["notes"]


def test_a_fleet_gives_prices(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text("name: test\ndevices: [{class: h100_sxm, count: 8, usd_per_hour: 3.6}]\n")
    value = predicted(capsys, *POINT, "--fleet", str(fleet))
    # $3.60 an hour is a thousandth of a dollar a second
    assert value["usd_per_million_tokens"]["value"] == pytest.approx(1000 / value["tokens_per_s"]["value"])


def test_bad_rows_say_why_and_stop_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        ("llama3.1-8b", "h100_sxm", 1, "fp16", 1024, 256, 8, "kept"),
        ("llama3.1-70b", "h100_sxm", 1, "fp16", 1024, 256, 8, ""),
        ("llama9", "h100_sxm", 1, "fp16", 1024, 256, 8, ""),
        ("llama3.1-8b", "h100_sxm", 1, "fp16", "many", 256, 8, ""),
        ("whisper-large-v3", "h100_sxm", 1, "fp16", 1024, 256, 8, ""),
        ("llama3.1-8b", "spyre_1_0", 1, "fp16", 1024, 256, 1, ""),
    ]
    out = tmp_path / "out.csv"
    assert invoke(["predict", "--csv", str(table(tmp_path / "in.csv", rows)), "--out", str(out)]) == 0
    found = read(out)
    assert [bool(row["ttft_s"]) for row in found] == [True, False, False, False, False, True]
    assert found[0]["mine"] == "kept"
    assert "GB" in found[1]["error"]
    assert "did you mean" in found[2]["error"] or "known" in found[2]["error"]
    assert found[3]["error"] == "input_tokens must be a number, got 'many'"
    assert found[4]["error"]
    assert found[5]["usd_per_million_tokens"] == ""
    assert "no price of spyre_1_0 is known" in found[5]["notes"]


def test_ten_thousand_rows_are_one_call(tmp_path: Path) -> None:
    rows = [
        (model, device, tp, "fp8", 256 + n, 128, 1 + n % 200, "")
        for n in range(625)
        for model in ("llama3.1-8b", "qwen3-32b")
        for device in ("h100_sxm", "h200_sxm", "mi300x", "b200_sxm")
        for tp in (1, 2)
    ]
    began = time.process_time()
    assert invoke(["predict", "--csv", str(table(tmp_path / "in.csv", rows)), "--out", str(tmp_path / "out.csv")]) == 0
    assert time.process_time() - began < 5.0  # the limit that the command is built for, in processor time
    found = read(tmp_path / "out.csv")
    assert len(found) == 10_000
    assert all(row["tpot_s"] for row in found)


def test_a_table_without_a_column_and_half_a_point_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("model,device\nllama3.1-8b,h100_sxm\n")
    assert invoke(["predict", "--csv", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]) == 1
    assert "the columns tp, precision, input_tokens, output_tokens, concurrency are missing" in capsys.readouterr().err
    assert invoke(["predict", "--model", "llama3.1-8b"]) == 1
    assert "a point needs --device" in capsys.readouterr().err
    assert invoke(["predict", "--csv", str(tmp_path / "in.csv")]) == 1
    assert "a table needs --csv and --out" in capsys.readouterr().err


def test_a_row_with_more_cells_than_columns_says_so(tmp_path: Path) -> None:
    text = f"{','.join(COLUMNS)}\nllama3.1-8b,h100_sxm,1,fp16,1,024,256,8\nllama3.1-8b,h100_sxm,1,fp16,1024,256,8\n"
    (tmp_path / "in.csv").write_text(text)
    assert invoke(["predict", "--csv", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]) == 0
    wrong, right = read(tmp_path / "out.csv")
    assert wrong["error"].startswith("more cells than the header has columns: '8' is left over")
    assert right["error"] == ""
    assert float(right["tpot_s"]) > 0
