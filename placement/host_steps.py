"""Time of the steps around a model call that run on a CPU core: making the prompt and reading the answer.

A profile row `<function>.render` or `<function>.parse` replaces these; without one, an author need not state them.
"""

from __future__ import annotations

from placement.operators import PriorTime

RENDER = PriorTime(latency_s=0.002, cpu_s=0.002, cost_usd=0.0)
"""Runs the user's function that returns the prompt. An assumption of the order of one warm call through the CPU driver
(0.7 to 2 ms in runs of the examples); printed with every plan that uses it."""

PARSE = PriorTime(latency_s=0.002, cpu_s=0.002, cost_usd=0.0)
"""Validates the generated text against the function's return type; as `RENDER`."""
