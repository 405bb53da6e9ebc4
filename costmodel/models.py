"""Models as data: shapes, parameters and memory per token, each with its source.

The formulas that turn a shape into work are in `llm` and `model_run`; this file only reads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from costmodel.errors import CatalogError
from costmodel.facts import Entry, Source, read_facts
from costmodel.names import resolve

REQUIRED = ("modality", "arch", "params_total", "params_active", "weight_bytes_fp16")
TEXT_FIELDS = ("hf_id", "modality", "arch")


@dataclass(frozen=True, slots=True)
class Model:
    """A model's shape. Counts that the architecture does not have are 0; `max_ctx_tokens` is None where there is no
    limit.

    `layers` are decoder layers (the only layers of a model that is all encoder). `attention_layers` keep a growing KV
    cache, `sliding_layers` one of `sliding_window_tokens`, `mamba_layers` a fixed state. `params_matmul` are the
    weights that one token multiplies (no input embedding unless tied). `kv_bytes_per_token_fp16` counts the growing
    cache only, `state_bytes_fp16` the window and the Mamba state of a sequence. `rates` are figures of one modality
    (codec tokens per second of audio, ...).
    """

    id: str
    hf_id: str
    modality: str
    arch: str
    layers: int
    attention_layers: int
    sliding_layers: int
    sliding_window_tokens: int
    mamba_layers: int
    mamba_heads: int
    mamba_head_dim: int
    mamba_state_dim: int
    encoder_layers: int
    dense_ffn_layers: int
    d_model: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    experts: int
    experts_per_token: int
    expert_ffn: int
    shared_ffn: int
    vocab: int
    max_ctx_tokens: int | None
    params_total: float
    params_active: float
    params_matmul: float
    weight_bytes_fp16: float
    kv_bytes_per_token_fp16: float
    state_bytes_fp16: float
    rates: Mapping[str, float] = field(default_factory=dict[str, float], hash=False)
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source], compare=False)

    @property
    def is_text_generator(self) -> bool:
        """True when prefill and decode apply: it keeps a KV cache per token."""
        return self.modality == "llm"

    @property
    def is_latent_attention(self) -> bool:
        """True for multi-head latent attention (MLA): each device of a group holds the whole compressed KV."""
        return self.arch.endswith("-mla")


RATES = (
    "window_s",
    "encoder_frames",
    "tokens_per_audio_s",
    "text_tokens_per_audio_s",
    "codec_tokens_per_audio_s",
    "flops_per_audio_s",
    "flops_per_denoiser_pass",
    "denoiser_steps_per_image",
    "denoiser_passes_per_step",
)
"""Fields that belong to one modality; they go to `Model.rates`."""

COUNTS = (
    "layers",
    "attention_layers",
    "sliding_layers",
    "sliding_window_tokens",
    "mamba_layers",
    "mamba_heads",
    "mamba_head_dim",
    "mamba_state_dim",
    "encoder_layers",
    "dense_ffn_layers",
    "d_model",
    "heads",
    "kv_heads",
    "head_dim",
    "ffn",
    "experts",
    "experts_per_token",
    "expert_ffn",
    "shared_ffn",
    "vocab",
)

OWN_MODELS = "ORCHESTRATOR_MODELS"
"""Environment variable with the path of a CSV file of facts: models of one's own, or corrections."""

KNOWN = {*TEXT_FIELDS, *RATES, *COUNTS, *REQUIRED, "params_matmul", "tied_embeddings", "max_ctx_tokens"} | {
    "kv_bytes_per_token_fp16",
    "state_bytes_fp16",
}


@dataclass(frozen=True, slots=True)
class ModelCatalog:
    """Models by id."""

    models: Mapping[str, Model]

    @property
    def ids(self) -> tuple[str, ...]:
        """Every model id, in the file's order."""
        return tuple(self.models)

    def model(self, id_or_alias: str) -> Model:
        """The model with this id, or the only one whose id begins so. Raises CatalogError."""
        try:
            return self.models[resolve(id_or_alias, self.models)]
        except LookupError as error:
            raise CatalogError(f"no model in the catalog: {error}") from error


def load_models(path: Path | None = None) -> ModelCatalog:
    """The shipped models with those of the file that `ORCHESTRATOR_MODELS` names, or those of one file alone.

    Raises CatalogError.
    """
    return _read(read_facts(path)) if path is not None else _known(os.environ.get(OWN_MODELS))


def model_facts() -> Mapping[str, Entry]:
    """The facts behind `load_models()`, by id. Raises CatalogError."""
    return _facts(os.environ.get(OWN_MODELS))


@cache
def _known(own: str | None) -> ModelCatalog:
    return _read(_facts(own))


@cache
def _facts(own: str | None) -> Mapping[str, Entry]:
    """Shipped facts, overridden fact by fact by a file of one's own; a new model may start from a `base`."""
    facts: dict[str, Entry] = dict(read_facts(Path(str(files("costmodel").joinpath("data", "models.csv")))))
    for id_, entry in (read_facts(Path(own)) if own else {}).items():
        base = entry.pop("base", None)
        if base is not None and base.value not in facts:
            raise CatalogError(f"{base.where}: base must be a model of the catalog, got {base.value!r}")
        facts[id_] = {**facts.get(id_ if base is None else base.value, {}), **entry}
    return facts


def _read(facts: Mapping[str, Entry]) -> ModelCatalog:
    return ModelCatalog({id_: _model(id_, entry) for id_, entry in facts.items()})


def _model(id_: str, entry: Entry) -> Model:
    lacking = [name for name in REQUIRED if name not in entry]
    if lacking:
        raise CatalogError(f"model {id_!r}: its facts lack {', '.join(lacking)}; add them to the catalog file")
    for name, fact in entry.items():
        if name not in KNOWN:
            raise CatalogError(f"{fact.where}: {name!r} is not a field of a model; known: {', '.join(sorted(KNOWN))}")
    numbers = {name: fact.number() for name, fact in entry.items() if name not in TEXT_FIELDS}
    limit = numbers.get("max_ctx_tokens")
    return Model(
        id=id_,
        hf_id=entry["hf_id"].value if "hf_id" in entry else "",
        modality=entry["modality"].value,
        arch=entry["arch"].value,
        **{name: int(numbers.get(name, 0)) for name in COUNTS},
        max_ctx_tokens=None if limit is None else int(limit),
        params_total=numbers["params_total"],
        params_active=numbers["params_active"],
        params_matmul=numbers.get("params_matmul", numbers["params_active"]),
        weight_bytes_fp16=numbers["weight_bytes_fp16"],
        kv_bytes_per_token_fp16=numbers.get("kv_bytes_per_token_fp16", 0.0),
        state_bytes_fp16=numbers.get("state_bytes_fp16", 0.0),
        rates={name: numbers[name] for name in RATES if name in numbers},
        sources={name: fact.source for name, fact in entry.items()},
    )
