"""What is left of a KV transfer when each layer's KV leaves while prefill computes the next layers (Splitwise).

Prefill writes the KV of a layer and never touches it again, so that the link can work while the device computes
(Patel et al. 2024, "Splitwise"); only what prefill cannot hide delays decode.

Derivation. Prefill computes L layers of equal time in P seconds, so that layer k is ready at k P / L; the link sends
the layers one after another, as soon as each is ready, T_k seconds each and T = sum T_k in all. The last byte leaves at

    max over k of (k P / L + sum over j >= k of T_j)

as the link is busy without a pause from the layer at which the maximum lies. Of this P has passed when prefill ends:

    exposed = max over n = L - k from 0 to L - 1 of (sum of the last n + 1 of T_j - n P / L)

With equal layers the sum is (n + 1) T / L, the expression is linear in n and the maximum at an end:

    exposed = max(T / L, T - P (L - 1) / L)

Where layers differ (sliding windows, Mamba) let m = T / max T_k be the layers if all were as large as the largest. The
sum is at most min(T, (n + 1) T / m), which bends at n = m - 1, so that T / m and T - P (m - 1) / L are at least
the exposed time; equal layers have m = L. The link's own latency delays the last byte once and is never hidden.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from costmodel.errors import CostError
from costmodel.fleet import Link
from costmodel.llm import kv_bytes, token_demand
from costmodel.models import Model
from costmodel.transfer import transfer_s


def even_layers(model: Model, tokens: float) -> float:
    """m: bytes of a sequence's KV after `tokens` over those of its largest layer; at least 1, at most the layers."""
    unit = token_demand(model)
    window = min(tokens, model.sliding_window_tokens)
    full_layers = model.attention_layers or model.layers
    kinds = (
        (full_layers, tokens * unit.kv_bytes),
        (model.sliding_layers, window * unit.window_kv_bytes),
        (model.mamba_layers, unit.state_bytes),
    )
    held = [(layers, size_bytes) for layers, size_bytes in kinds if layers and size_bytes]
    largest_bytes = max((size_bytes / layers for layers, size_bytes in held), default=0.0)
    return sum(size_bytes for _, size_bytes in held) / largest_bytes if largest_bytes else 1.0


def exposed_s(link: Link, size_bytes: float, model: Model, tokens: float, layers_s: float) -> float:
    """Seconds from the end of a prefill of `tokens` until the last of its `size_bytes` of KV arrives over `link`.

    `layers_s` is P: what the layers of the prefill take, without what the engine does before and after them. The value
    lies between the time of one layer and `transfer_s`, and a shorter P never makes it smaller. Raises `CostError`.
    """
    if not 0 <= layers_s < float("inf"):
        raise CostError(f"a prefill takes a finite time of at least 0 s, got {layers_s!r}")
    whole_s = transfer_s(link, size_bytes)
    moving_s, even = whole_s - link.latency_s, even_layers(model, tokens)
    return link.latency_s + max(moving_s / even, moving_s - layers_s * (even - 1) / model.layers)


def exposed_chunks_s(link: Link, model: Model, tokens: float, chunk_tokens: int, layers_s: Sequence[float]) -> float:
    """As `exposed_s` for a prefill in chunks of which chunk c takes `layers_s[c]`. Raises `CostError`.

    A layer of a chunk leaves while the next layers, and the next chunks, are computed. The link is busy without a pause
    from the first or the last layer of some chunk c on, since within a chunk the sum of `exposed_s` is linear. With
    T_c and P_c of chunk c and the sums of the chunks after it:

        exposed = max over c of (sum of T after c - sum of P after c + exposed of chunk c alone)

    Where a layer does not keep the KV of every token (sliding windows, Mamba), what it keeps is known in the last chunk
    only, so no more than that hides it.
    """
    ends = [min(start + chunk_tokens, tokens) for start in range(0, math.ceil(tokens), chunk_tokens)]
    if len(ends) != len(layers_s):
        raise CostError(f"{tokens:g} tokens are {len(ends)} chunks of {chunk_tokens}, got the times of {len(layers_s)}")
    if model.sliding_layers or model.mamba_layers:
        return exposed_s(link, kv_bytes(model, tokens), model, tokens, layers_s[-1])
    after_s = exposed = 0.0
    for start, end, chunk_s in reversed(list(zip([0.0, *ends], ends, layers_s, strict=False))):
        size_bytes = kv_bytes(model, end - start)
        alone_s = exposed_s(link, size_bytes, model, end - start, chunk_s) - link.latency_s
        exposed = max(exposed, after_s + alone_s)
        after_s += transfer_s(link, size_bytes) - link.latency_s - chunk_s
    return link.latency_s + exposed
