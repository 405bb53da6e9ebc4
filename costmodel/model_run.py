"""Work of models that are no text generators: speech to text, text to speech, embedding, images.

Each kind has one rule, from the model's shape and the size of its input; a kind and size without a rule is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from costmodel.errors import CostError
from costmodel.llm import ACTIVATION_BYTES, SYNCS_PER_LAYER, decode_work, prefill_work
from costmodel.models import Model
from costmodel.precision import bytes_per_value
from costmodel.work import Work


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a model run that ends before the next begins, so that each has its own bottleneck."""

    name: str
    work: Work


@dataclass(frozen=True, slots=True)
class Size:
    """The size of one input: exactly one of seconds of audio, tokens, images."""

    unit: str
    amount: float


Rule = Callable[[Model, float, float, str], tuple[Phase, ...]]
"""Model, amount, batch, precision to phases."""


def input_size(model: Model, *, audio_s: float | None, tokens: float | None, images: float | None) -> Size:
    """The one size that was given. Raises CostError for none, several, or one that is not above 0."""
    sizes = [
        Size(name, each)
        for name, each in (("audio_s", audio_s), ("tokens", tokens), ("images", images))
        if each is not None
    ]
    if len(sizes) != 1:
        given = ", ".join(size.unit for size in sizes) or "none"
        raise CostError(f"model {model.id!r}: give exactly one of audio_s, tokens, images; got {given}")
    if not 0 < sizes[0].amount < float("inf"):
        raise CostError(f"model {model.id!r}: {sizes[0].unit} must be above 0, got {sizes[0].amount!r}")
    return sizes[0]


def model_run_phases(model: Model, size: Size, *, batch: float = 1, precision: str = "fp16") -> tuple[Phase, ...]:
    """The phases of one run over `batch` inputs of this size. Raises CostError where there is no rule."""
    bytes_per_value(precision)
    if batch < 1:
        raise CostError(f"a batch has at least one input, got {batch!r}")
    rule = RULES.get((model.modality, size.unit))
    if rule is None:
        known = ", ".join(unit for modality, unit in RULES if modality == model.modality)
        remedy = f"give {known}" if known else "use @llm for text generators"
        raise CostError(f"no cost rule for model {model.id!r} ({model.modality}) by {size.unit}; {remedy}")
    return rule(model, size.amount, batch, precision)


def transcription(model: Model, audio_s: float, batch: float, precision: str) -> tuple[Phase, ...]:
    """Encoder passes over windows, then decoding of the transcript (Radford et al. 2022, Whisper).

    Audio is padded to whole windows. An encoder layer multiplies 4 d^2 + 2 d f weights a frame and looks at all
    frames; the decoder's cross-attention projects the frames once (2 d^2) and reads them at each token. The stem's
    convolutions, about 1 % of the encoder, are left out. The transcript's length is the model's `tokens_per_audio_s`.
    """
    encode, cross, decode = _transcription_parts(model, audio_s, batch, precision)
    return Phase("encode", encode + cross), Phase("decode", decode)


def encoder_and_decoder(
    model: Model, audio_s: float, *, batch: float = 1, precision: str = "fp16"
) -> tuple[Phase, tuple[Phase, Phase]]:
    """The phases of a transcription where the decoder stands apart: it projects the frames for its cross-attention.

    All together ask for what `transcription` asks for. Raises CostError for a model without encoder and decoder, and
    for a size that is not above 0.
    """
    _check_encoder(model)
    input_size(model, audio_s=audio_s, tokens=None, images=None)
    encode, cross, decode = _transcription_parts(model, audio_s, batch, precision)
    return Phase("encode", encode), (Phase("project", cross), Phase("decode", decode))


def encoded_bytes(model: Model, audio_s: float, batch: float = 1) -> float:
    """Bytes of an encoder's 16-bit output: frames x d_model for each window of the audio."""
    _check_encoder(model)
    windows = math.ceil(audio_s / model.rates["window_s"])
    return batch * windows * model.rates["encoder_frames"] * model.d_model * ACTIVATION_BYTES


def encoder_weights(model: Model) -> float:
    """Weights of the encoder's layers; the stem's convolutions are left out, as in its work. Raises CostError."""
    _check_encoder(model)
    return _encoder_weights(model)


def _encoder_weights(model: Model) -> float:
    return model.encoder_layers * (4 * model.d_model * model.d_model + 2 * model.d_model * model.ffn)


def _check_encoder(model: Model) -> None:
    if not model.encoder_layers or RULES.get((model.modality, "audio_s")) is not transcription:
        raise CostError(f"{model.id} ({model.modality}) has no encoder apart from a decoder")


def _transcription_parts(model: Model, audio_s: float, batch: float, precision: str) -> tuple[Work, Work, Work]:
    """Work of the encoder, of the projections for cross-attention, and of the decoder's steps."""
    windows = math.ceil(audio_s / model.rates["window_s"])
    frames, d, f = model.rates["encoder_frames"], model.d_model, model.ffn
    weights = _encoder_weights(model)
    cross_weights = model.layers * 2 * d * d
    encode = Work(
        flops=batch * (2 * frames * weights + model.encoder_layers * 4 * d * frames * frames),
        weight_bytes=weights * bytes_per_value(precision),
        activation_bytes=batch * frames * ACTIVATION_BYTES * model.encoder_layers * 4 * (d + f),
        steps=1,
        sync_count=SYNCS_PER_LAYER * model.encoder_layers,
        sync_bytes=batch * frames * SYNCS_PER_LAYER * model.encoder_layers * d * ACTIVATION_BYTES,
    )
    cross = Work(
        flops=batch * 2 * frames * cross_weights,
        weight_bytes=cross_weights * bytes_per_value(precision),
        kv_write_bytes=batch * frames * 2 * model.layers * d * ACTIVATION_BYTES,
    )
    tokens = audio_s * model.rates["tokens_per_audio_s"]
    decode = _cross_decoder_work(model, tokens, tokens / windows, batch, precision)
    return encode.scaled(windows), cross.scaled(windows), decode


def _cross_decoder_work(model: Model, tokens: float, window_tokens: float, batch: float, precision: str) -> Work:
    """Steps of a decoder with cross-attention: 6 d^2 + 2 d f weights a layer, and the output head.

    It reads its own KV, on average that of half a window's transcript, and the frames' KV.
    """
    d, f = model.d_model, model.ffn
    weights = model.layers * (6 * d * d + 2 * d * f) + model.vocab * d
    context = model.rates["encoder_frames"] + window_tokens / 2
    kv_bytes_per_token = 2 * model.layers * d * ACTIVATION_BYTES
    step = Work(
        flops=batch * (2 * weights + 4 * model.layers * d * context),
        weight_bytes=weights * bytes_per_value(precision),
        kv_read_bytes=batch * context * kv_bytes_per_token,
        kv_write_bytes=batch * kv_bytes_per_token,
        activation_bytes=batch * ACTIVATION_BYTES * model.layers * 4 * (d + f),
        steps=1,
        sync_count=(SYNCS_PER_LAYER + 1) * model.layers,
        sync_bytes=batch * (SYNCS_PER_LAYER + 1) * model.layers * d * ACTIVATION_BYTES,
    )
    return step.scaled(tokens)


def speech(model: Model, audio_s: float, batch: float, precision: str) -> tuple[Phase, ...]:
    """Speech of `audio_s` seconds: codec tokens one after another, or one pass of a vocoder.

    The codec's own decoder (SNAC, HiFi-GAN) is left out: tens of millions of weights beside hundreds or thousands.
    """
    if "codec_tokens_per_audio_s" in model.rates:
        text_tokens = audio_s * model.rates["text_tokens_per_audio_s"]
        codec_tokens = audio_s * model.rates["codec_tokens_per_audio_s"]
        return (
            Phase("prefill", prefill_work(model, text_tokens, batch=batch, weight_precision=precision)),
            Phase("decode", decode_work(model, text_tokens, codec_tokens, batch=batch, weight_precision=precision)),
        )
    if "flops_per_audio_s" in model.rates:
        work = Work(
            flops=batch * audio_s * model.rates["flops_per_audio_s"],
            weight_bytes=model.params_total * bytes_per_value(precision),
            steps=1,
        )
        return (Phase("synthesise", work),)
    raise CostError(
        f"model {model.id!r} has neither codec_tokens_per_audio_s nor flops_per_audio_s; add one to its facts"
    )


def speech_of_text(model: Model, tokens: float, batch: float, precision: str) -> tuple[Phase, ...]:
    """Speech of a text of `tokens`, at the model's `text_tokens_per_audio_s`."""
    return speech(model, tokens / model.rates["text_tokens_per_audio_s"], batch, precision)


def embedding(model: Model, tokens: float, batch: float, precision: str) -> tuple[Phase, ...]:
    """One pass of a BERT-like encoder (Devlin et al. 2018) over each piece of at most `max_ctx_tokens`.

    A layer multiplies 4 d^2 + 2 d f weights a token and looks at all tokens of the piece; pieces form one batch. The
    vocabulary's rows are looked up, not multiplied.
    """
    limit = model.max_ctx_tokens or tokens
    pieces = math.ceil(tokens / limit)
    d, f = model.d_model, model.ffn
    weights = model.layers * (4 * d * d + 2 * d * f)
    pairs = tokens * tokens / pieces
    work = Work(
        flops=batch * (2 * tokens * weights + model.layers * 4 * d * pairs),
        weight_bytes=weights * bytes_per_value(precision),
        activation_bytes=batch * tokens * ACTIVATION_BYTES * model.layers * 4 * (d + f),
        steps=1,
        sync_count=SYNCS_PER_LAYER * model.layers,
        sync_bytes=batch * tokens * SYNCS_PER_LAYER * model.layers * d * ACTIVATION_BYTES,
    )
    return (Phase("encode", work),)


def diffusion(model: Model, images: float, batch: float, precision: str) -> tuple[Phase, ...]:
    """Denoising steps of `images` in one batch; each reads the denoiser once, the guided passes share it.

    The text encoders and the latent decoder, one pass each beside some 70, are left out.
    """
    steps, passes = model.rates["denoiser_steps_per_image"], model.rates["denoiser_passes_per_step"]
    step = Work(
        flops=batch * images * passes * model.rates["flops_per_denoiser_pass"],
        weight_bytes=model.params_active * bytes_per_value(precision),
        steps=1,
    )
    return (Phase("denoise", step.scaled(steps)),)


RULES: dict[tuple[str, str], Rule] = {
    ("stt", "audio_s"): transcription,
    ("tts", "audio_s"): speech,
    ("tts", "tokens"): speech_of_text,
    ("embedding", "tokens"): embedding,
    ("image", "images"): diffusion,
}
"""Modality and unit of size to the rule; nothing else can be costed."""
