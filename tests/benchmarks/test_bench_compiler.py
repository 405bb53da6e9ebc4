import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load(project: Path) -> ModuleType:
    """The benchmark as a module."""
    spec = importlib.util.spec_from_file_location("bench_compiler", project / "benchmarks/bench_compiler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_compiler_benchmark_runs_at_a_small_size(project: Path) -> None:
    command = [sys.executable, "benchmarks/bench_compiler.py", "--operators", "30", "120"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    header, small, large, columns, *rows = done.stdout.splitlines()
    assert "seed 7" in header
    assert (small.split(":")[0], large.split(":")[0]) == ("30", "120")
    assert small.endswith(" 12 choices of 3")
    assert large.endswith(" choices of 3")
    assert columns.split() == ["operators", "30", "120", "growth"]
    names = [" ".join(word for word in row.split() if not word.replace(".", "").isdigit()) for row in rows]
    assert names[:5] == ["xDSL build", "xDSL print", "xDSL parse", "xDSL rewrite", "inline-agents"]
    assert {"split-encode", "decompose-llm", "offload-attention", "annotate-demand"} < set(names)
    assert names[-4:] == [f"verified at the end / {name}" for name in ("build", "print", "parse", "rewrite")]


def test_a_generated_module_has_as_many_operators_as_asked_and_a_third_are_calls_of_language_models(
    project: Path,
) -> None:
    bench = load(project)
    module = bench.Generator(900).module()
    module.verify()
    operators, llm_calls, _ = bench.contents(module.clone())
    assert operators == 900
    assert 270 <= llm_calls <= 330
    assert str(module) == str(bench.Generator(900).module())
    found = {op.name for op in module.walk()}
    assert found >= {"agent.call", "agent.when", "agent.loop", "agent.fanout", "memory.lookup", "tool.invoke"}


def test_growth_is_the_exponent_of_a_power(project: Path) -> None:
    bench = load(project)
    # 3 n, 3 n^2 and a constant.
    sizes = [10, 100, 1000]
    assert bench.growth(sizes, [30.0, 300.0, 3000.0]) == pytest.approx(1.0)
    assert bench.growth(sizes, [300.0, 30_000.0, 3_000_000.0]) == pytest.approx(2.0)
    assert bench.growth(sizes, [5.0, 5.0, 5.0]) == pytest.approx(0.0, abs=1e-12)
