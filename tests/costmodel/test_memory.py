import pytest

from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.memory import fits, kv_capacity_tokens
from costmodel.models import Model, ModelCatalog


def test_weights_and_cache_fit_with_a_margin(llama: Model, h100: Device) -> None:
    fit = fits(llama, h100, 1, "fp16", 10, 1000)
    # 16.06e9 + 10 x 1000 x 131,072; 80e9 x 0.9
    assert fit.needed_bytes == pytest.approx(16.06e9 + 1_310_720_000)
    assert fit.available_bytes == pytest.approx(72e9)
    assert fit.ok


def test_a_70b_model_needs_more_than_one_device(models: ModelCatalog, h100: Device) -> None:
    model = models.model("llama3.1-70b")
    # 141.2e9 > 72e9; 70.6e9 + 1000 x 163,840 <= 72e9 with two
    assert not fits(model, h100, 1, "fp16", 1, 1000).ok
    assert fits(model, h100, 2, "fp16", 1, 1000).ok
    assert fits(model, h100, 1, "fp8", 1, 1000).ok


def test_copied_kv_heads_do_not_shrink_with_more_devices(llama: Model, h100: Device) -> None:
    cache = [fits(llama, h100, tp, "fp16", 1, 100_000).needed_bytes - 16.06e9 / tp for tp in (8, 16)]
    assert cache[0] == pytest.approx(cache[1])


def test_a_narrower_cache_takes_less(llama: Model, h100: Device) -> None:
    wide = fits(llama, h100, 1, "fp16", 1, 1000).needed_bytes
    narrow = fits(llama, h100, 1, "fp16", 1, 1000, kv_precision="fp8").needed_bytes
    assert wide - narrow == pytest.approx(131_072_000 / 2)


def test_other_models_need_their_weights(models: ModelCatalog, h100: Device) -> None:
    assert fits(models.model("whisper"), h100, 1, "fp16", 8, 0).needed_bytes == 3.1e9


def test_the_cache_takes_what_the_weights_leave(llama: Model, h100: Device) -> None:
    # (72e9 - 16.06e9) / 131,072 = 426,788.3
    assert kv_capacity_tokens(llama, h100, 1, "fp16") == 426_788
    assert fits(llama, h100, 1, "fp16", 1, 426_788).ok
    assert not fits(llama, h100, 1, "fp16", 1, 426_789).ok


def test_no_cache_when_the_weights_do_not_fit(models: ModelCatalog, h100: Device) -> None:
    assert kv_capacity_tokens(models.model("llama3.1-70b"), h100, 1, "fp16") == 0


@pytest.mark.parametrize(("tp", "margin"), [(0, 0.9), (1, 0.0), (1, 1.1)])
def test_impossible_questions_are_errors(llama: Model, h100: Device, tp: int, margin: float) -> None:
    with pytest.raises(CostError, match="at least one device and a margin"):
        fits(llama, h100, tp, "fp16", 1, 1, margin)
