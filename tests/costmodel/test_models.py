from pathlib import Path

import pytest

from costmodel.errors import CatalogError
from costmodel.models import Model, ModelCatalog, load_models

HEADER = "id,field,value,source,confidence\n"


def test_the_shape_of_a_dense_model(llama: Model) -> None:
    assert (llama.layers, llama.d_model, llama.heads, llama.kv_heads, llama.head_dim) == (32, 4096, 32, 8, 128)
    assert (llama.ffn, llama.vocab, llama.max_ctx_tokens, llama.modality) == (14336, 128256, 131072, "llm")


def test_an_alias_must_be_unique(models: ModelCatalog) -> None:
    assert models.model("whisper").id == "whisper-large-v3"
    with pytest.raises(CatalogError, match=r"llama3.1-405b, llama3.1-70b, llama3.1-8b"):
        models.model("llama3.1")
    with pytest.raises(CatalogError, match=r"'llama3-8b' is not known; did you mean 'llama3.1-8b'"):
        models.model("llama3-8b")


def test_kv_bytes_are_those_of_keys_and_values_in_all_attention_layers(models: ModelCatalog) -> None:
    for id_ in models.ids:
        model = models.model(id_)
        if model.is_text_generator and not model.is_latent_attention:
            # 2 (keys, values) x layers x KV heads x head size x 2 bytes
            assert model.kv_bytes_per_token_fp16 == 2 * model.attention_layers * model.kv_heads * model.head_dim * 2


def test_latent_attention_keeps_one_compressed_vector_a_layer(models: ModelCatalog) -> None:
    model = models.model("deepseek")
    # 61 layers x (512 + 64) values x 2 bytes
    assert model.is_latent_attention
    assert model.kv_bytes_per_token_fp16 == 61 * 576 * 2


def test_weights_are_two_bytes_a_parameter(models: ModelCatalog) -> None:
    for id_ in models.ids:
        model = models.model(id_)
        assert model.weight_bytes_fp16 == pytest.approx(2 * model.params_total)


def test_a_model_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "models.csv"
    facts = ["modality,llm", "arch,dense-gqa", "params_total,1e9", "params_active,1e9", "weight_bytes_fp16,2e9"]
    path.write_text(HEADER + "".join(f"tiny,{fact},us,estimate\n" for fact in facts))
    assert load_models(path).model("tiny").params_matmul == 1e9


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (["modality,llm"], "model 'x': its facts lack arch, params_total"),
        (
            [
                f"{name},1"
                for name in ("modality", "arch", "params_total", "params_active", "weight_bytes_fp16", "lairs")
            ],
            "'lairs' is not a field of a model",
        ),
    ],
)
def test_facts_that_do_not_make_a_model_are_errors(tmp_path: Path, facts: list[str], message: str) -> None:
    path = tmp_path / "models.csv"
    path.write_text(HEADER + "".join(f"x,{fact},us,estimate\n" for fact in facts))
    with pytest.raises(CatalogError, match=message):
        load_models(path)
