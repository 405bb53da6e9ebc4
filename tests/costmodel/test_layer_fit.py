"""Measured layers and prefills: what the public tables' columns mean, and coefficients found again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from costmodel.errors import ProfileError
from costmodel.layer_fit import fit_layers, fit_prefills, left_out_errors, read_layers, read_prefills, read_products
from costmodel.layer_time import LayerCoefficients, PrefillCoefficients, linear_layer_s, prefill_batch_s

LAYER_HEADER = "hardware,model,tp,num_tokens,n_head,n_kv_head,n_embd,n_expanded_embd,use_gated_mlp,layer_linear_ms"
PREFILL_HEADER = "hardware,tensor_parallel,prompt_size,batch_size,prompt_time"


def write(folder: Path, header: str, *rows: str) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def layer_rows() -> list[str]:
    return [
        f"{device},x/y-70b,{tp},{tokens},64,8,8192,28672,True,1.0"
        for device in ("a40", "a100", "h100")
        for tp in (1, 4)
        for tokens in (1, 8, 64, 256, 1024, 4096)
    ]


def test_a_layer_is_one_devices_part(tmp_path: Path) -> None:
    found = read_layers(write(tmp_path, LAYER_HEADER, "h100,x/y-70b,4,128,64,8,8192,28672,True,0.5"))
    shapes = found.shapes
    assert (shapes.query[0], shapes.kv[0], shapes.ffn[0], shapes.gates[0]) == (2048, 256, 7168, 2)
    assert found.seconds[0] == 0.0005
    assert (found.devices, found.models, found.tp) == (("h100_sxm",), ("y-70b",), (4,))


def test_layer_coefficients_are_found_again(tmp_path: Path) -> None:
    true = replace(LayerCoefficients(), compute_share=0.6, memory_share=0.7, launch_s=6e-6)
    shapes = read_layers(write(tmp_path, LAYER_HEADER, *layer_rows())).shapes
    seconds = linear_layer_s(shapes, true)
    error = np.abs(linear_layer_s(shapes, fit_layers(shapes, seconds)) / seconds - 1)
    assert np.abs(linear_layer_s(shapes, LayerCoefficients()) / seconds - 1).mean() > 0.1
    assert error.mean() < 0.02


def test_prefill_coefficients_are_found_again(tmp_path: Path) -> None:
    rows = [
        f"{device},{tp},{tokens},{batch},99999"
        for device in ("a100-80gb", "h100-80gb")
        for tp in (2, 8)
        for tokens, batch in ((128, 1), (512, 1), (512, 16), (8192, 1))
    ]
    prefills = read_prefills(write(tmp_path, PREFILL_HEADER, *rows)).prefills
    true = PrefillCoefficients(host_s=0.08, attention_share=0.5, link_share=0.15)
    seconds = prefill_batch_s(prefills, LayerCoefficients(), true)
    found = fit_prefills(prefills, seconds, LayerCoefficients())
    assert found.host_s == pytest.approx(0.08, rel=0.1)
    assert np.abs(prefill_batch_s(prefills, LayerCoefficients(), found) / seconds - 1).mean() < 0.03


def test_a_prefill_faster_than_the_datasheet_is_no_measurement(tmp_path: Path) -> None:
    # 64 x 512 tokens x 2 x 69e9 FLOPs / (2 x 312e12) = 7.2 s, printed as 0.794 s.
    rows = ("a100-80gb,2,512,64,794", "a100-80gb,2,512,1,196")
    found = read_prefills(write(tmp_path, PREFILL_HEADER, *rows))
    assert found.impossible == 1
    assert found.seconds.tolist() == [0.196]


def test_products_of_16_bits_are_read_and_others_passed_over(tmp_path: Path) -> None:
    rows = ("l40s,x,bfloat16,16,4096,1024,0.01", "l40s,x,fp8,16,4096,1024,0.006")
    found = read_products(write(tmp_path, "system,device,gemm_dtype,m,n,k,latency_ms", *rows))
    assert (found.rows.tolist(), found.outputs.tolist(), found.inputs.tolist()) == ([16], [4096], [1024])
    assert found.seconds.tolist() == [1e-5]
    assert found.devices == ("l40s",)


def test_each_group_is_judged_by_the_others() -> None:
    seen = left_out_errors(["a", "b", "b"], lambda fitted, judged: np.array([fitted.sum(), judged.sum()], dtype=float))
    assert {name: each.tolist() for name, each in seen.items()} == {"a": [2, 1], "b": [1, 2]}


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="missing column"):
        read_layers(write(tmp_path, "a,b", "1,2"))
    with pytest.raises(ProfileError, match="cannot be read"):
        read_prefills(tmp_path / "none.csv")
    with pytest.raises(ProfileError, match="no device of the catalog is known by 'v100'"):
        read_prefills(write(tmp_path, PREFILL_HEADER, "v100,2,512,1,196"))
