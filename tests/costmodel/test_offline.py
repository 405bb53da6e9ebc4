"""Offline batches: a sum by hand, which rows are read, and what the benchmark's rows say of the calibration."""

from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.accuracy import OFFLINE, offline_errors
from costmodel.calibration import load_calibration
from costmodel.catalog import load_catalog
from costmodel.errors import ProfileError
from costmodel.fit import blind
from costmodel.models import load_models
from costmodel.offline import batch_seconds, inside, is_batches, read_batches
from costmodel.points import Point
from costmodel.served_step import Coefficients

HEADER = "hardware,num_devices,framework,model,input_output_length,batch,latency_s,throughput_tok_s\n"
LLAMA, H100 = load_models().model("llama3.1-8b"), load_catalog("default").device("h100_sxm")
NOTHING = dict.fromkeys(
    ("tile_tokens", "residual_passes", "ffn_passes", "step_s", "layer_s", "sequence_s", "prompt_s"), 0.0
)
FULL = dict.fromkeys(("compute16_share", "weights_share", "kv16_share", "attention_share"), 1.0)


def test_a_batch_by_hand() -> None:
    ideal = replace(Coefficients(), sharpness=300.0, **NOTHING, **FULL)
    (found,) = batch_seconds([Point(LLAMA, H100, 1, "fp16", 1000, 1000, 16)], {"any": ideal})
    # 16,000 tokens of prompts: 13.9493e9 FLOPs each, the head's 1.0507e9 for 16, and 16 x 500,500 pairs of 524,288;
    # at 989 TFLOP/s 225.7 + 0.02 + 4.2 ms.
    prompts_s = (16_000 * 13.9493e9 + 16 * 1.0507e9 + 16 * 500_500 * 524_288) / 989e12
    # 1,000 steps of 15e9 bytes of weights, and 16 x 1,500 x 131,072 of KV on average, at 3.35 TB/s: 4.478 + 0.939 ms.
    step_s = (15.01e9 + 16 * 1500 * 131_072) / 3.35e12
    assert found == pytest.approx(prompts_s + 1000 * step_s, rel=2e-3)


def test_rows_of_other_models_and_batches_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    rows = (
        "Nvidia H100 GPU,1,vLLM,meta-llama/Meta-Llama-3-8B,1024,16,10,0",
        "Nvidia H100 GPU,1,vLLM,mistralai/Mistral-7B-v0.1,1024,16,10,0",
        # 64 x 4,096 x 131,072 bytes are 34 GB beside 16 GB of weights: more than 40 GB
        "Nvidia A100 GPU,1,vLLM,meta-llama/Meta-Llama-3-8B,2048,64,125,0",
        "Nvidia H100 GPU,1,vLLM,meta-llama/Meta-Llama-3-70B,128,1,10,0",
    )
    path = tmp_path / OFFLINE
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    found = read_batches(path)
    assert [(each.device.id, each.tokens_in, each.tokens_out, each.concurrency) for each in found.points] == [
        ("h100_sxm", 1024, 1024, 16)
    ]
    assert found.left == 3
    assert found.frameworks == ("vLLM",)


def test_batches_of_two_files_count_once(tmp_path: Path) -> None:
    path = tmp_path / OFFLINE
    row = "Nvidia H100 GPU,1,vLLM,meta-llama/Meta-Llama-3-8B,1024,{},10,0\n"
    path.write_text(HEADER + row.format(16) + row.format(32), encoding="utf-8")
    both = read_batches(path)
    assert is_batches(path)
    assert both.select([True, False]).and_those(both).points == both.points
    assert both.and_those(both).points == both.points


def test_a_batch_without_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / OFFLINE
    path.write_text(HEADER + "Nvidia H100 GPU,1,vLLM,meta-llama/Meta-Llama-3-8B,1024,x,10,0\n", encoding="utf-8")
    with pytest.raises(ProfileError, match=r":2: a batch has numbers only .*'x'"):
        read_batches(path)


def test_inside_is_the_interval_around_the_prediction(tmp_path: Path) -> None:
    fitted = load_calibration()
    point = Point(LLAMA, H100, 1, "fp16", 1024, 1024, 16)
    (seconds,), spread = batch_seconds([point], fitted.coefficients), fitted.spread["tpot"]["known"]
    path = tmp_path / OFFLINE
    times = (spread.low * seconds * 1.001, spread.low * seconds * 0.999, spread.high * seconds * 1.001)
    row = "Nvidia H100 GPU,1,vLLM,meta-llama/Meta-Llama-3-8B,1024,16,{},0\n"
    path.write_text(HEADER + "".join(row.format(each) for each in times), encoding="utf-8")
    assert list(inside(read_batches(path).seen_as(blind), fitted)) == [1, 0, 0]


def test_the_benchmark(shared: Path, project: Path) -> None:
    batches = read_batches(shared / "data" / "perf" / OFFLINE)
    found = offline_errors(batches, load_calibration())
    assert sum(each.rows for each, *_ in found.values()) == len(batches.points) == 419
    page = (project / "docs" / "accuracy.md").read_text(encoding="utf-8")
    for name, (each, untold, told) in found.items():
        assert f"| {name} | {each.rows} | {each.mape:.1%} | {each.bias:+.1%} | {untold:.0%} | {told:.0%} |" in page
