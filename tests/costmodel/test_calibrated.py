import pytest

from costmodel.calibrated import Corrections
from costmodel.calibration import load_calibration
from costmodel.catalog import Catalog
from costmodel.estimate import estimate_llm
from costmodel.hardware import Device
from costmodel.models import Model, ModelCatalog
from costmodel.served import predict_point


@pytest.fixture(scope="module")
def corrections() -> Corrections:
    return Corrections(load_calibration())


def test_a_corrected_decode_is_the_calibrated_time_between_tokens(
    corrections: Corrections, h100: Device, llama: Model
) -> None:
    sizes = (1024.0, 256.0)
    roofline = estimate_llm(llama, "decode", h100, 1, "fp16", 1, *sizes)
    found, low_s, high_s = corrections.phase("decode", llama, h100, 1, "fp16", 1, *sizes).of(roofline)
    served = predict_point(llama, h100, 1, "fp16", *sizes, 1, kv_precision="fp16")
    # one caller: what a step takes but for the prompt that replaces it at the end
    step_s = served.tpot_s.value - served.parts["prefill of others"]
    assert found.latency_s == pytest.approx(256 * step_s)
    assert low_s < found.latency_s < high_s
    assert low_s / found.latency_s == pytest.approx(served.tpot_s.low / served.tpot_s.value)
    assert sum(found.terms.values()) == pytest.approx(
        sum(roofline.terms.values()) * found.latency_s / roofline.latency_s
    )


def test_the_interval_widens_with_the_distance_from_what_was_measured(
    corrections: Corrections, h100: Device, llama: Model, catalog: Catalog
) -> None:
    devices = (h100, catalog.device("b200_sxm"), catalog.device("mi300x"))
    found = [corrections.phase("decode", llama, each, 1, "fp16", 8, 1024, 256) for each in devices]
    widths = [each.high / each.low for each in found]
    assert widths == sorted(widths)
    assert [each.situation for each in found] == ["known", "unseen device", "unlike device"]
    assert "no serving on mi300x was measured" in found[2].notes[0]


def test_cpus_and_spyre_keep_the_roofline_and_admit_it(
    corrections: Corrections, core: Device, catalog: Catalog, models: ModelCatalog
) -> None:
    granite = models.model("granite-3.3-8b")
    for device in (core, catalog.device("spyre_1_0")):
        found = corrections.phase("prefill", granite, device, 1, "fp16", 1, 512, 64)
        assert (found.factor, found.situation) == (1.0, "unlike device")
        assert found.low < 1 < found.high


def test_each_correction_is_worked_out_once(corrections: Corrections, h100: Device, llama: Model) -> None:
    first = corrections.phase("prefill", llama, h100, 2, "fp16", 1, 700, 70)
    assert corrections.phase("prefill", llama, h100, 2, "fp16", 1, 700, 70) is first
