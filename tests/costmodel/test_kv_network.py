"""Equations 1 to 3 by hand."""

import pytest

from costmodel.errors import CostError
from costmodel.kv_network import egress_bytes_per_s, ingress_bytes_per_s, kv_bytes
from costmodel.llm import kv_bytes as general_kv_bytes
from costmodel.models import load_models

MODELS = load_models()


def test_equation_3() -> None:
    # Llama 3 70B: 2 x 80 layers x 8192 x 8 / 64 x 32768 tokens x 2 bytes = 10.737 GB
    assert kv_bytes(MODELS.model("llama3.1-70b"), 32768, 1, "fp16") == 10_737_418_240
    # 8B: 2 x 32 x 4096 x 8 / 32 x 512 x 4 sequences x 1 byte
    assert kv_bytes(MODELS.model("llama3.1-8b"), 512, 4, "fp8") == 134_217_728


@pytest.mark.parametrize("model", ["llama3.1-8b", "llama3.1-70b", "llama3.1-405b"])
def test_for_llama_it_is_the_general_formula(model: str) -> None:
    assert kv_bytes(MODELS.model(model), 4096, 3, "fp16") == 3 * general_kv_bytes(MODELS.model(model), 4096)


def test_equations_1_and_2() -> None:
    # 1 GB within 250 ms from 4 devices: 1 GB/s each; within 20 ms into 2 devices: 25 GB/s each
    assert egress_bytes_per_s(1e9, 0.25, 4) == pytest.approx(1e9)
    assert ingress_bytes_per_s(1e9, 0.02, 2) == pytest.approx(25e9)


def test_what_the_equations_do_not_cover() -> None:
    with pytest.raises(CostError, match="deepseek"):
        kv_bytes(MODELS.model("deepseek-v3"), 512, 1, "fp16")
    with pytest.raises(CostError, match="at least one device"):
        egress_bytes_per_s(1e9, 0.25, 0)
    with pytest.raises(CostError, match="time above 0"):
        ingress_bytes_per_s(1e9, 0.0, 1)
