from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import CostError
from costmodel.llm import decode_work, prefill_work
from costmodel.model_run import RULES, Size, encoded_bytes, encoder_and_decoder, input_size, model_run_phases
from costmodel.models import ModelCatalog, load_models
from costmodel.work import Work


def test_transcription_encodes_whole_windows_and_decodes_the_transcript(models: ModelCatalog) -> None:
    encode, decode = model_run_phases(models.model("whisper"), Size("audio_s", 30))
    # encoder: 32 x (4 x 1280^2 + 2 x 1280 x 5120) = 629,145,600 weights; cross keys and values 32 x 2 x 1280^2 =
    # 104,857,600; both times 2 x 1500 frames; attention 32 x 4 x 1280 x 1500^2 = 368.64e9
    assert encode.work.flops == 2 * 1500 * (629_145_600 + 104_857_600) + 368_640_000_000
    assert encode.work.steps == 1
    # 30 s x 5 tokens/s; 32 x (6 x 1280^2 + 2 x 1280 x 5120) + 51,866 x 1280 = 800,391,680 weights of 2 bytes each
    assert decode.work.steps == 150
    assert decode.work.weight_bytes == 150 * 800_391_680 * 2
    # each token reads the keys and values of 1500 frames and on average 75 tokens: 2 x 32 x 1280 x 2 bytes each
    assert decode.work.kv_read_bytes == 150 * (1500 + 75) * 163_840


def test_audio_is_padded_to_whole_windows(models: ModelCatalog) -> None:
    whisper = models.model("whisper")
    encoded = [model_run_phases(whisper, Size("audio_s", seconds))[0].work.steps for seconds in (1, 30, 31, 90)]
    assert encoded == [1, 1, 2, 3]


def test_speech_of_codec_tokens_is_a_text_generator_at_work(models: ModelCatalog) -> None:
    orpheus = models.model("orpheus")
    prefill, decode = model_run_phases(orpheus, Size("audio_s", 10))
    # 10 s x 5 text tokens/s and 10 s x 84.5 codec tokens/s
    assert prefill.work == prefill_work(orpheus, 50)
    assert decode.work == decode_work(orpheus, 50, 845)


def test_a_text_is_spoken_at_the_models_rate(models: ModelCatalog) -> None:
    xtts = models.model("xtts")
    # 100 tokens / 5 a second = 20 s
    assert model_run_phases(xtts, Size("tokens", 100)) == model_run_phases(xtts, Size("audio_s", 20))


def test_a_vocoder_synthesises_in_one_pass(models: ModelCatalog) -> None:
    (phase,) = model_run_phases(models.model("kokoro"), Size("audio_s", 10), batch=2)
    # 2 x 10 s x 55e9; 82e6 weights of 2 bytes, read once
    assert (phase.work.flops, phase.work.weight_bytes, phase.work.steps) == (1.1e12, 164e6, 1)


def test_an_embedding_is_one_pass_over_pieces(models: ModelCatalog) -> None:
    minilm = models.model("all-minilm")
    (phase,) = model_run_phases(minilm, Size("tokens", 100))
    # 6 x (4 x 384^2 + 2 x 384 x 1536) = 10,616,832 weights; 2 x 100 x those; attention 6 x 4 x 384 x 100^2
    assert phase.work.flops == 2 * 100 * 10_616_832 + 6 * 4 * 384 * 10_000
    assert phase.work.weight_bytes == 2 * 10_616_832
    # 512 tokens are two pieces of 256, each of which looks at itself only: 2 x 256^2 pairs
    (pieces,) = model_run_phases(minilm, Size("tokens", 512))
    assert pieces.work.flops == 2 * 512 * 10_616_832 + 6 * 4 * 384 * 2 * 256**2


def test_an_image_takes_guided_denoising_steps(models: ModelCatalog) -> None:
    (phase,) = model_run_phases(models.model("sdxl"), Size("images", 2))
    # 2 images x 35 steps x 2 passes x 6e12; 35 x 2.6e9 weights of 2 bytes
    assert phase.work.flops == pytest.approx(840e12)
    assert phase.work.weight_bytes == pytest.approx(35 * 5.2e9)


@given(
    rule=st.sampled_from(sorted(RULES)), amount=st.floats(0.1, 1e4), factor=st.floats(1, 10), batch=st.integers(1, 8)
)
def test_larger_inputs_and_batches_never_ask_for_less(
    rule: tuple[str, str], amount: float, factor: float, batch: int
) -> None:
    modality, unit = rule
    catalog = load_models()
    for model in (catalog.model(each) for each in catalog.ids):
        if model.modality == modality:
            small = sum(each.work.flops for each in model_run_phases(model, Size(unit, amount)))
            large = sum(each.work.flops for each in model_run_phases(model, Size(unit, amount * factor), batch=batch))
            assert large >= small * (1 - 1e-9)


def test_every_model_of_the_catalog_has_a_rule_or_is_a_text_generator(models: ModelCatalog) -> None:
    for id_ in models.ids:
        model = models.model(id_)
        units = [unit for modality, unit in RULES if modality == model.modality]
        assert model.is_text_generator or all(model_run_phases(model, Size(unit, 5)) for unit in units)
        assert bool(units) != model.is_text_generator


@pytest.mark.parametrize(
    ("model", "unit", "message"),
    [
        ("whisper", "images", r"no cost rule for model 'whisper-large-v3' \(stt\) by images; give audio_s"),
        ("sdxl", "tokens", r"\(image\) by tokens; give images"),
        ("llama3.1-8b", "tokens", "use @llm for text generators"),
    ],
)
def test_a_kind_and_size_without_a_rule_is_an_error(models: ModelCatalog, model: str, unit: str, message: str) -> None:
    with pytest.raises(CostError, match=message):
        model_run_phases(models.model(model), Size(unit, 1))


def test_a_speech_model_without_a_rate_is_an_error(models: ModelCatalog) -> None:
    silent = replace(models.model("kokoro"), rates={})
    with pytest.raises(CostError, match="neither codec_tokens_per_audio_s nor flops_per_audio_s"):
        model_run_phases(silent, Size("audio_s", 1))


@pytest.mark.parametrize(
    ("audio_s", "tokens", "images", "message"),
    [
        (None, None, None, "got none"),
        (1.0, 2.0, None, "got audio_s, tokens"),
        (0.0, None, None, "audio_s must be above 0, got 0.0"),
        (None, -3.0, None, "tokens must be above 0, got -3.0"),
        (None, None, float("nan"), "images must be above 0"),
    ],
)
def test_exactly_one_size_is_given(
    models: ModelCatalog, audio_s: float | None, tokens: float | None, images: float | None, message: str
) -> None:
    with pytest.raises(CostError, match=message):
        input_size(models.model("whisper"), audio_s=audio_s, tokens=tokens, images=images)


def test_a_batch_has_an_input(models: ModelCatalog) -> None:
    with pytest.raises(CostError, match="at least one input, got 0"):
        model_run_phases(models.model("kokoro"), Size("audio_s", 1), batch=0)


@given(audio_s=st.floats(0.1, 1e4), batch=st.integers(1, 8))
def test_encoder_and_decoder_apart_ask_for_what_the_run_asks_for(audio_s: float, batch: int) -> None:
    whisper = load_models().model("whisper")
    encode, decode = encoder_and_decoder(whisper, audio_s, batch=batch)
    whole = model_run_phases(whisper, Size("audio_s", audio_s), batch=batch)
    parts, total = encode.work + decode[0].work + decode[1].work, whole[0].work + whole[1].work
    for each in fields(Work):
        assert getattr(parts, each.name) == pytest.approx(getattr(total, each.name), rel=1e-12)


def test_the_decoder_projects_the_frames_that_it_was_sent(models: ModelCatalog) -> None:
    whisper = models.model("whisper")
    encode, (project, decode) = encoder_and_decoder(whisper, 31)
    whole = model_run_phases(whisper, Size("audio_s", 31))
    # two windows of 1500 frames; cross keys and values are 32 x 2 x 1280^2 = 104,857,600 weights
    assert decode == whole[1]
    assert project.work.flops == 2 * 2 * 1500 * 104_857_600
    assert whole[0].work.weight_bytes - encode.work.weight_bytes == 2 * 2 * 104_857_600
    assert encoded_bytes(whisper, 31, batch=3) == 3 * 2 * 1500 * 1280 * 2
    # sending the projected keys and values would move 2 x 32 times as much
    assert project.work.kv_write_bytes == 64 * encoded_bytes(whisper, 31)


def test_parts_of_a_run_without_a_size_are_refused(models: ModelCatalog) -> None:
    with pytest.raises(CostError, match="audio_s must be above 0"):
        encoder_and_decoder(models.model("whisper"), 0.0)


@pytest.mark.parametrize("name", ["orpheus", "all-minilm", "llama3.1-8b"])
def test_a_model_that_is_no_encoder_with_a_decoder_is_not_split(models: ModelCatalog, name: str) -> None:
    for asked in (encoder_and_decoder, encoded_bytes):
        with pytest.raises(CostError, match="has no encoder apart from a decoder"):
            asked(models.model(name), 1.0)
