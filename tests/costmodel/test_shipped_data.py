"""The shipped facts are complete, sourced, and those of the reference compilation wherever that is at hand."""

import csv
from pathlib import Path

import pytest

from costmodel.catalog import Catalog, load_catalog
from costmodel.facts import CONFIDENCE, read_facts
from costmodel.models import ModelCatalog

FILES = ("hardware.csv", "paper-2025.csv", "models.csv", "network.csv", "energy.csv")

OF_HARDWARE = {
    "mem_gb": ("mem_bytes", 1e9),
    "mem_bw_GBps": ("mem_bytes_per_s", 1e9),
    "fp16_bf16_dense_tflops": ("flops_per_s.fp16", 1e12),
    "fp8_dense_tflops": ("flops_per_s.fp8", 1e12),
    "int8_dense_tops": ("flops_per_s.int8", 1e12),
    "fp4_dense_tflops": ("flops_per_s.fp4", 1e12),
    "tdp_w": ("tdp_w", 1.0),
    "scaleup_GBps_uni": ("scaleup_bytes_per_s", 1e9),
    "scaleup_domain": ("scaleup_domain", 1.0),
    "scaleout_Gbps": ("scaleout_bytes_per_s", 1e9 / 8),
    "price_new_usd_lo": ("price_new_usd_lo", 1.0),
    "price_new_usd_hi": ("price_new_usd_hi", 1.0),
    "price_used_usd_lo": ("price_used_usd_lo", 1.0),
    "price_used_usd_hi": ("price_used_usd_hi", 1.0),
    "tco_hyperscaler_usd_hr": ("tco_hyperscaler_usd_per_hour", 1.0),
    "tco_neocloud_usd_hr": ("tco_neocloud_usd_per_hour", 1.0),
    "rental_3yr_usd_hr": ("rental_3yr_usd_per_hour", 1.0),
    "allin_facility_kw_per_dev": ("facility_w", 1000.0),
    "embodied_kgco2e": ("embodied_kgco2e", 1.0),
}
"""Column of the reference table: field and factor to SI units."""

LEFT_OUT = {
    # costmodel/data/README.md says why
    "spyre_1_0": {"mem_gb", "int8_dense_tops", "price_new_usd_lo", "price_new_usd_hi"},
    "spyre_1_5_goal": {"price_new_usd_lo", "price_new_usd_hi"},
}
OF_A_CPUS_SOCKETS = {"scaleup_GBps_uni", "scaleup_domain"}

OF_MODELS = {
    "d_model": "d_model",
    "n_heads": "heads",
    "n_kv_heads": "kv_heads",
    "head_dim": "head_dim",
    "d_ff_dense": "ffn",
    "n_experts": "experts",
    "top_k": "experts_per_token",
    "d_ff_expert": "expert_ffn",
    "d_ff_shared": "shared_ffn",
    "vocab": "vocab",
    "n_mamba": "mamba_layers",
    "n_attn_sliding": "sliding_layers",
    "kv_bytes_per_token_fp16": "kv_bytes_per_token_fp16",
    "fixed_state_bytes_per_seq_fp16": "state_bytes_fp16",
}


def reference(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "data" / "catalog" / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("name", FILES)
def test_every_value_has_a_source_and_a_confidence(project: Path, name: str) -> None:
    entries = read_facts(project / "costmodel" / "data" / name)
    assert entries
    for entry in entries.values():
        for fact in entry.values():
            assert len(fact.source.text) > 3
            assert fact.source.confidence in CONFIDENCE


@pytest.mark.parametrize("name", ["default", "paper-2025"])
def test_every_number_of_a_device_keeps_its_source(name: str) -> None:
    catalog = load_catalog(name)
    for id_ in catalog.ids:
        if "mem_bytes" in catalog.entries[id_]:
            device = catalog.device(id_)
            rates = {f"flops_per_s.{precision}" for precision in device.flops_per_s}
            assert rates | {"mem_bytes", "mem_bytes_per_s", "tdp_w"} <= set(device.sources)


def test_every_number_of_a_model_keeps_its_source(models: ModelCatalog) -> None:
    for id_ in models.ids:
        model = models.model(id_)
        assert {"params_total", "params_active", "weight_bytes_fp16", *model.rates} <= set(model.sources)


def test_the_paper_catalog_marks_each_value_as_the_papers_or_not(paper: Catalog) -> None:
    for id_ in paper.ids:
        for fact in paper.entries[id_].values():
            is_printed = fact.source.confidence == "paper"
            is_marked = "not from this one" in fact.source.text or "the table has no FP8 column" in fact.source.text
            assert is_printed != is_marked


def test_latencies_are_those_of_the_link_that_their_source_names(project: Path, catalog: Catalog) -> None:
    links = read_facts(project / "costmodel" / "data" / "network.csv")
    checked = 0
    for entry in catalog.entries.values():
        for field in ("scaleup_latency_s", "scaleout_latency_s"):
            text = entry[field].source.text
            if text.startswith("network.csv, row "):
                row = text.removeprefix("network.csv, row ").split(";")[0]
                assert entry[field].number() == links[row]["latency_s"].number()
                checked += 1
    assert checked > len(catalog.ids)


def test_the_catalog_is_the_reference_table(shared: Path, catalog: Catalog) -> None:
    rows = reference(shared, "hardware.csv")
    assert len(rows) == 31
    for row in rows:
        entry = catalog.entries[row["id"]]
        skipped = LEFT_OUT.get(row["id"], set()) | (OF_A_CPUS_SOCKETS if row["kind"] == "cpu" else set())
        for column, (field, factor) in OF_HARDWARE.items():
            if column in skipped or not row[column]:
                assert column in skipped or field not in entry
            else:
                assert entry[field].number() == pytest.approx(float(row[column]) * factor, rel=1e-12)


def test_the_models_are_the_reference_table(shared: Path, models: ModelCatalog) -> None:
    rows = reference(shared, "models.csv")
    assert [row["id"] for row in rows] == list(models.ids)
    for row in rows:
        model = models.model(row["id"])
        for column, field in OF_MODELS.items():
            if row[column].replace(".", "").isdigit():
                assert getattr(model, field) == float(row[column])
        assert model.params_total == pytest.approx(float(row["params_total_B"]) * 1e9)
        assert model.params_active == pytest.approx(float(row["params_active_B"]) * 1e9)


def test_the_site_is_the_reference_table(shared: Path, catalog: Catalog) -> None:
    values = {row["key"]: row["value"] for row in reference(shared, "energy.csv")}
    assert catalog.electricity_usd_per_kwh == float(values["us_industrial_electricity_default"])
    assert catalog.pue == float(values["pue_industry_avg"])
