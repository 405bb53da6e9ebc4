import pytest

from costmodel.catalog import Catalog
from costmodel.errors import CostError
from costmodel.estimate import estimate_llm, estimate_model_run
from costmodel.hardware import Device
from costmodel.models import ModelCatalog
from costmodel.roofline import DEFAULT
from costmodel.spyre_estimate import NOTE


@pytest.fixture
def card(catalog: Catalog) -> Device:
    return catalog.device("spyre_1_0")


def test_decode_is_never_faster_than_reading_the_weights(card: Device, models: ModelCatalog) -> None:
    # 8.17e9 x 2 bytes / 204.8e9 B/s = 79.8 ms on a card, 19.9 ms on four: anchors 80 and 20
    granite = models.model("granite-3.3-8b")
    for cards, bound_s in ((1, 0.0798), (4, 0.0199)):
        step = estimate_llm(granite, "decode", card, cards, "fp16", 1, 1_000, 1)
        assert step.latency_s > bound_s * 0.97  # the input embedding is looked up, not read
        assert step.bound_by == "memory"
        assert NOTE in step.notes


def test_a_prompt_costs_whole_chunks_and_prompts_wait_for_one_another(card: Device, models: ModelCatalog) -> None:
    granite = models.model("granite-3.3-8b")
    one, same, two = (estimate_llm(granite, "prefill", card, 1, "fp16", 1, tokens, 1) for tokens in (65, 512, 513))
    assert one.latency_s == same.latency_s
    assert two.latency_s > 2 * one.latency_s - 1e-9
    pair = estimate_llm(granite, "prefill", card, 1, "fp16", 2, 512, 1)
    assert pair.latency_s == pytest.approx(2 * same.latency_s)


def test_a_chunk_by_hand(card: Device, models: ModelCatalog) -> None:
    granite = models.model("granite-3.3-8b")
    chunk = estimate_llm(granite, "prefill", card, 1, "fp16", 1, 512, 1)
    # compute: about 2 x 8e9 x 512 / (98.304e12 x 0.5) = 0.167 s; memory: about 16.2e9 / (204.8e9 x 0.75) = 0.106 s
    assert chunk.bound_by == "compute"
    assert chunk.terms["compute"] == pytest.approx(0.167, rel=0.03)
    assert chunk.latency_s == pytest.approx(chunk.terms["compute"] + chunk.terms["overhead"])
    assert chunk.terms["overhead"] == DEFAULT.step_s


def test_what_the_stack_does_not_serve_is_refused(card: Device, models: ModelCatalog) -> None:
    with pytest.raises(
        CostError, match=r"Spyre does not serve llama3\.1-8b in fp16 on 2 cards: it is known on 1, 4 cards"
    ):
        estimate_llm(models.model("llama3.1-8b"), "decode", card, 2, "fp16", 1, 100, 10)
    with pytest.raises(CostError, match="Spyre serves text generators and embedding models, not whisper-large-v3"):
        estimate_model_run(models.model("whisper-large-v3"), card, 1, "fp16", 1, audio_s=10)
    with pytest.raises(CostError, match="at most 512 tokens, got 600"):
        estimate_model_run(models.model("granite-embedding-125m"), card, 1, "fp16", 1, tokens=600)


def test_an_embedding_is_padded_to_its_static_length(card: Device, models: ModelCatalog) -> None:
    embedder = models.model("granite-embedding-125m")
    short, full, longer = (estimate_model_run(embedder, card, 1, "fp16", 1, tokens=tokens) for tokens in (65, 128, 129))
    assert short.latency_s == full.latency_s < longer.latency_s
