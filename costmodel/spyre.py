"""What IBM's serving stack for Spyre can run and how it schedules; a leaf that imports only the standard library.

Facts of the public torch-spyre documentation and of the vLLM plugin (vllm-spyre): the planner and a simulated card ask
the same functions, so that neither promises what the other refuses. Nobody publishes tokens a second for these cards:
every time that follows from these rules is simulated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

BLOCK_TOKENS = 64
"""Tokens of a KV block; prompts are padded to whole blocks."""

CHUNK_TOKENS = 512
"""Tokens of the one compiled prefill chunk; a shorter prompt is padded to it."""

MAX_BATCH_TOKENS = 131_072
"""Sequences in a decode batch times the longest context among them."""

KV_BLOCKS = 8_192
"""Blocks of the KV pool of four cards."""

CORES = 32
"""Cores of a card, among which the rows of a matrix are spread."""

ROWS_FOR_FULL_RATE = 64
"""Rows a core at which IBM's compiler model reaches the full rate."""

ENCODER_TOKENS = (64, 128, 256, 512)
"""Static lengths that embedding models are compiled for (the stated range, in powers of two)."""

COLD_START_S = 900.0
"""Estimate: load and compile at the first start."""

WARM_START_S = 120.0
"""Estimate: load with compiled graphs in the cache."""

NEW_SHAPE_S = 3.0
"""About what the first use of a shape costs with its graph in the cache."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Limits of one compiled configuration: tokens of a sequence (prompt and answer), and sequences at once."""

    model_tokens: int
    max_sequences: int


CONFIGURATIONS: Mapping[tuple[str, str, int], tuple[Configuration, ...]] = {
    ("granite-3.3-8b", "fp16", 1): (Configuration(3_072, 16), Configuration(8_192, 4)),
    ("granite-3.3-8b", "fp16", 2): (Configuration(8_192, 4),),
    ("granite-3.3-8b", "fp16", 4): (Configuration(32_768, 32),),
    ("granite-3.3-8b", "fp8", 1): (Configuration(3_072, 16),),
    ("granite-3.3-8b", "fp8", 4): (Configuration(16_384, 4), Configuration(32_768, 32)),
    ("llama3.1-8b", "fp16", 1): (Configuration(3_072, 16),),
    ("llama3.1-8b", "fp16", 4): (Configuration(32_768, 32),),
    ("mistral-small-3.2-24b", "fp16", 2): (Configuration(8_192, 32),),
    ("mistral-small-3.2-24b", "fp16", 4): (Configuration(32_768, 32),),
}
"""By model, precision of weights and cards: what is known to be served. Others may be refused, so they are."""


def is_spyre(device_id: str) -> bool:
    """Whether a device is a Spyre card, real or a design goal."""
    return device_id.startswith("spyre_")


def padded_tokens(tokens: float) -> int:
    """Tokens after padding to whole blocks."""
    return math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS


def configuration(model: str, precision: str, cards: int, batch: float, context_tokens: float) -> Configuration | str:
    """The smallest known configuration for `batch` sequences of `context_tokens` (prompt and all that may follow).

    A reason where there is none. The prompt's padding counts, so the context is taken in whole blocks.
    """
    known = CONFIGURATIONS.get((model, precision, cards))
    if known is None:
        others = sorted({key[2] for key in CONFIGURATIONS if key[:2] == (model, precision)})
        instead = f"known on {', '.join(map(str, others))} cards" if others else "of no known configuration"
        return f"Spyre does not serve {model} in {precision} on {_cards(cards)}: it is {instead}"
    tokens = padded_tokens(context_tokens)
    fitting = [each for each in known if tokens <= each.model_tokens and batch <= batch_limit(each, tokens)]
    if fitting:
        return min(fitting, key=lambda each: each.model_tokens)
    limits = ", ".join(f"{each.model_tokens:,} tokens x {each.max_sequences}" for each in known)
    return f"Spyre serves {model} in {precision} on {_cards(cards)} up to {limits}, got {tokens:,} tokens x {batch:g}"


def _cards(count: int) -> str:
    return "1 card" if count == 1 else f"{count} cards"


def batch_limit(known: Configuration, longest_tokens: float) -> int:
    """Sequences that may decode together when the longest context among them is `longest_tokens`."""
    if longest_tokens <= 0:
        return known.max_sequences
    return min(known.max_sequences, int(MAX_BATCH_TOKENS // longest_tokens))


def prefill_chunks(tokens: float, cached_tokens: float = 0.0) -> int:
    """Chunks that a prompt of `tokens` takes, of which the cache holds the first `cached_tokens`.

    The cache counts whole chunks only, and the last chunk is always computed again.
    """
    chunks = max(1, math.ceil(padded_tokens(tokens) / CHUNK_TOKENS))
    return chunks - min(int(cached_tokens // CHUNK_TOKENS), chunks - 1)


def first_token_s(chunks: int, chunk_s: float, decode_step_s: float = 0.0) -> float:
    """Seconds of a prefill of `chunks`, one request at a time.

    While anything decodes, chunks alternate with decode steps, of which `decode_step_s` is one; 0: nothing decodes.
    """
    return chunks * chunk_s + max(0, chunks - 1) * decode_step_s


def encoder_tokens(tokens: float) -> int | None:
    """The static length to which a text is padded for an embedding model; None above the longest."""
    return next((length for length in ENCODER_TOKENS if tokens <= length), None)


def matrix_efficiency(rows: float) -> float:
    """Share of a card's peak that a matrix product of `rows` rows reaches: min(1, sqrt(rows per core / 64)).

    IBM's own compiler model; it stands in the place of a measured efficiency.
    """
    return min(1.0, math.sqrt(rows / CORES / ROWS_FOR_FULL_RATE))
