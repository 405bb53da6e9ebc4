"""`orchestrator catalog`: lists, explanations with sources, and a catalog of one's own."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import invoke


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert invoke(["catalog", *arguments]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_every_kind_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [" ".join(line.split()) for line in shown(capsys).splitlines()]
    assert [line for line in lines if line in {"devices", "models", "links", "energy"}] == [
        "devices",
        "models",
        "links",
        "energy",
    ]
    # 0.7 kW x 1.54 x $0.086 + 32,500 x 0.301921 / 8760 = 1.213
    assert "h100_sxm 80 3350 989 1979 700 1.213 sourced" in lines
    assert "eth_400g_roce 50 2 estimate" in lines
    assert "grid_fra gco2e_per_kwh 56 sourced" in lines


def test_a_device_is_explained_with_every_source_and_its_price(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "h100")
    assert text.startswith("h100_sxm (devices)\n")
    assert "embodied_kgco2e" in text
    assert "github:genai-impact/ecologits@2d0a1c7 docs/methodology/llm_inference.md" in text
    assert "an hour costs $1.213 = capital $1.12 + power $0.09271" in text


def test_a_device_without_a_price_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert "has no price here: a fleet gives price_usd or usd_per_hour" in shown(capsys, "spyre_1_0")


def test_as_json_an_entry_has_values_confidences_and_sources(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(shown(capsys, "llama3.1-8b", "--json"))
    assert document["kind"] == "models"
    assert document["facts"]["layers"]["value"] == "32"
    assert all(set(fact) == {"value", "confidence", "source"} for fact in document["facts"].values())
    assert set(json.loads(shown(capsys, "--kind", "links", "--json"))) == {"links"}


def test_unknown_names_say_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert "the catalogs have no 'h1000'; did you mean 'h100_sxm'?" in shown(capsys, "h1000", code=1)
    assert "there is no kind 'gpus'; use one of devices, models, links, energy" in shown(
        capsys, "--kind", "gpus", code=1
    )


def test_files_of_ones_own_add_and_override(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = "id,field,value,source,confidence\n"
    devices = tmp_path / "devices.csv"
    devices.write_text(
        header
        + "site,extends,default,ours,estimate\n"
        + "h100_sxm,price_new_usd_lo,20000,our invoice,sourced\n"
        + "h100_sxm,price_new_usd_hi,20000,our invoice,sourced\n"
        + "lab_card,base,l4,ours,estimate\n"
    )
    document = json.loads(shown(capsys, "h100_sxm", "--catalog", str(devices), "--json"))
    # 20,000 x 0.301920804 / 8760 = 0.689317
    assert document["price"]["terms"]["capital"] == pytest.approx(0.689317, abs=1e-6)
    assert document["facts"]["price_new_usd_lo"]["source"] == "our invoice"
    assert json.loads(shown(capsys, "lab_card", "--catalog", str(devices), "--json"))["facts"]["tdp_w"]["value"] == "72"
    assert "a40" in json.loads(shown(capsys, "--catalog", str(devices), "--kind", "devices", "--json"))["devices"]

    models = tmp_path / "models.csv"
    models.write_text(header + "tuned,base,llama3.1-8b,ours,estimate\nllama3.1-8b,max_ctx_tokens,8192,ours,estimate\n")
    monkeypatch.setenv("ORCHESTRATOR_MODELS", str(models))
    assert json.loads(shown(capsys, "llama3.1-8b", "--json"))["facts"]["max_ctx_tokens"]["value"] == "8192"
    assert json.loads(shown(capsys, "tuned", "--json"))["facts"]["layers"]["value"] == "32"
    monkeypatch.delenv("ORCHESTRATOR_MODELS")
    assert "the catalogs have no 'tuned'" in shown(capsys, "tuned", code=1)
