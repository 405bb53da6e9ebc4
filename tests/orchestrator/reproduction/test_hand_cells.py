"""Cells of the published pages against sums by hand, each shown; nothing here calls the cost model."""

import csv
import math
from pathlib import Path

import pytest


@pytest.fixture
def folder(project: Path) -> Path:
    return project / "docs/reproduction"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pair(folder: Path, figure: str, **wanted: str) -> dict[str, str]:
    (found,) = [row for row in rows(folder / figure) if wanted.items() <= row.items()]
    return found


BASIS = {"flop": "dense", "cost": "full", "model": "8B", "sla": "throughput"}

HEAD = 128256 * 4096  # weights of the output head of Llama 3 8B
PROMPT_FLOP = 512 * 2 * (7.5e9 - HEAD) + 2 * HEAD  # 7.1432e12: the head sees one token of each prompt
PAIRS_FLOP = 512 * 513 / 2 * 4 * 32 * 128 * 32  # 6.885e10: causal attention, 4 FLOP x 32 heads x 128 x 32 layers
CONTEXT = 512 + 4095 / 2 + 1  # tokens that an average step reads and writes
H100_USD, B200_USD, GAUDI3_USD = 0.60 + 25000 / 35040, 0.83 + 40000 / 35040, 0.49 + 12500 / 35040  # dollars an hour


def h100_fp8_usd() -> float:
    """H100::H100 in FP8. Prefill on one device: linear layers at 1979 TFLOP/s, attention at 989, both x 0.55.

    Decode over 8 stages: memory 0.9 x 80e9 - 8.03e9 / 8 bytes holds 235 sequences of 4608 tokens x 65536 bytes.
    """
    prefill = PROMPT_FLOP / (1979e12 * 0.55) + PAIRS_FLOP / (989e12 * 0.55)  # 6.689 ms
    batch = math.floor((0.9 * 80e9 - 8.03e9 / 8) / (4608 * 65536))
    bandwidth = 3350e9 * 0.75
    weights = (7.5e9 + batch * 2 * 32 * 4 * (4096 + 14336)) / bandwidth  # 3.426 ms, with activations
    attention = batch * CONTEXT * 65536 / bandwidth  # 15.695 ms
    stages = 7 * (batch * 4096 * 2 / 450e9 + 1.5e-6)  # 0.040 ms: 7 hand-overs over NVLink
    decode = (weights + attention + stages) * 4096 / batch  # 0.3340 s of a device
    return (prefill + decode) * H100_USD / 3600


def test_b200_b200_in_fp16(folder: Path) -> None:
    # prefill: 2250 TFLOP/s x 0.55; decode on one device: past 207 sequences linear layers are bound by compute, so a
    # token takes 15e9 FLOP / 1237.5e12 + KV / 6000e9 s whatever the batch = 68.1 us
    prefill = (PROMPT_FLOP + PAIRS_FLOP) / (2250e12 * 0.55)  # 5.828 ms
    token = 15e9 / (2250e12 * 0.55) + CONTEXT * 131072 / (8000e9 * 0.75)
    usd = (prefill + 4096 * token) * B200_USD / 3600
    printed = pair(folder, "figure8.csv", **BASIS, precision="FP16", prefill="b200", decode="b200")
    assert float(printed["tokens_per_usd"]) == pytest.approx(4096 / usd, rel=1e-5)


def test_h100_h100_in_fp8(folder: Path) -> None:
    printed = pair(folder, "figure8.csv", **BASIS, precision="FP8", prefill="h100", decode="h100")
    assert float(printed["tokens_per_usd"]) == pytest.approx(4096 / h100_fp8_usd(), rel=1e-5)
    assert printed["benefit"] == "1.0000"


def test_b200_gaudi3_in_fp8(folder: Path) -> None:
    # B200: 4500 TFLOP/s, attention at 2250; Gaudi3: 1678 TFLOP/s bound, 15e9 FLOP a token, KV at 3700 GB/s x 0.75
    prefill = PROMPT_FLOP / (4500e12 * 0.55) + PAIRS_FLOP / (2250e12 * 0.55)  # 2.942 ms
    token = 15e9 / (1678e12 * 0.55) + CONTEXT * 65536 / (3700e9 * 0.75)  # 16.25 + 60.47 us
    usd = (prefill * B200_USD + 4096 * token * GAUDI3_USD) / 3600
    printed = pair(folder, "figure8.csv", **BASIS, precision="FP8", prefill="b200", decode="gaudi3")
    assert float(printed["benefit"]) == pytest.approx(h100_fp8_usd() / usd, abs=6e-5)


def test_table_5(folder: Path) -> None:
    prices = {row["device"]: row for row in rows(folder / "table5.csv")}
    # 0.40 x 0.7 + 25000 x (e^0.32 - 1) / 35040 = 0.28 + 0.2691
    assert prices["H100"]["operating by formula"] == f"{0.28 + 25000 * (math.e**0.32 - 1) / 35040:.4f}" == "0.5491"
    # 0.60 - 0.5491
    assert prices["H100"]["difference"] == "+0.0509"
    # 0.49 + 12500 / 35040 = 0.49 + 0.3567
    assert prices["Gaudi3"]["full (printed + principal)"] == f"{0.49 + 12500 / 35040:.4f}" == "0.8467"


def test_figure_4(folder: Path) -> None:
    names = ("figure4-dense.csv", "figure4-printed.csv")
    dense, printed = ({row["device"]: row for row in rows(folder / name)} for name in names)
    assert dense["Gaudi3"]["USD per GB/s"] == "3.378"  # 12500 / 3700
    assert dense["H100"]["USD per FP16 TFLOP/s"] == "25.28"  # 25000 / 989
    assert printed["H100"]["USD per FP16 TFLOP/s"] == "12.63"  # 25000 / 1979
    assert dense["B200"]["USD per FP8 TFLOP/s"] == "8.889"  # 40000 / 4500
    assert dense["MI300x"]["USD per GB"] == "104.2"  # 20000 / 192


def test_equations(folder: Path) -> None:
    (row,) = [
        each
        for each in rows(folder / "equations.csv")
        if (each["model"], each["precision"], each["tokens"]) == ("70B", "FP16", "32768")
    ]
    # KV = 2 x 80 x 8192 x (8 / 64) x 32768 x 2 = 10.737 GB = 85.90 Gbit: / 0.25 s = 343.6, / 0.02 s = 4295 Gbit/s
    assert row["at the limits, 1 device"] == "343.6 / 4295"
    # eight devices share it: 42.95 and 536.9
    assert row["at the limits, 8 devices"] == "42.95 / 536.9"
