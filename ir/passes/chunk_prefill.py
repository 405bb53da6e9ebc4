"""Lets prefill read long prompts a chunk at a time, so that no step holds up others for longer than one chunk.

`xdsl-opt -p 'chunk-prefill{tokens=512}'` (Agrawal et al. 2023, "Sarathi"). Before:

    %kv, %first = llm.prefill @answer_prefill %prompt ... {function = ...} : (!llm.tokens<900>) -> ...

and after it:

    %kv, %first = llm.prefill @answer_prefill %prompt ... {chunk_tokens = 512, function = ...} : ...

The weights are read once for each chunk, and the KV of the chunks before: `costmodel.chunk` has the work.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from ir.build import integer
from ir.dialects.llm import PrefillOp, TokensType


@dataclass(frozen=True)
class ChunkPrefillPass(ModulePass):
    """Gives each prefill `chunk_tokens` whose prompt is longer than that, or of a length that is not known.

    One whose prompt begins with a shared prefix, or continues the turn before, stays as it is: most of it is there.
    """

    name = "chunk-prefill"

    tokens: int = 512

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.tokens < 1:
            raise PassFailedException(f"tokens must be at least 1, got {self.tokens}")
        for prefill in op.walk():
            if (
                isinstance(prefill, PrefillOp)
                and prefill.prefix is prefill.continues is None
                and self._is_long(prefill)
            ):
                prefill.chunk_tokens = integer(self.tokens)

    def _is_long(self, prefill: PrefillOp) -> bool:
        prompt = prefill.prompt.type
        count = prompt.count if isinstance(prompt, TokensType) else None
        return not isinstance(count, FloatAttr) or count.value.data > self.tokens
