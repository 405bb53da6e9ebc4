"""Time of the steps around a model call that run on a CPU core: making the prompt and reading the answer.

A profile row `<function>.render` or `<function>.parse` replaces these; without one, an author need not state them.
"""

from __future__ import annotations

from placement.operators import PriorTime

RENDER = PriorTime(latency_s=0.0003, cpu_s=0.0003, cost_usd=0.0)
"""Runs the user's function that returns the prompt. Measured: 0.28 ms, the median of 200 warm calls through the CPU
driver on two cores of an AMD EPYC (`python benchmarks/bench_host_steps.py`); a function that does much more needs a
profile row."""

PARSE = PriorTime(latency_s=0.0003, cpu_s=0.0003, cost_usd=0.0)
"""Validates the generated text against the function's return type; measured as `RENDER`: 0.28 ms."""
