import subprocess
import sys
from pathlib import Path


def test_the_benchmark_of_fleets_runs_on_one_agent_and_one_class(project: Path) -> None:
    command = [sys.executable, "benchmarks/bench_fleets.py", "--loads", "voice", "--classes", "b200_sxm"]
    command += ["--samples", "1000", "--time-limit-s", "2"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    _, columns, load, ours, single, newest, only, ratios = done.stdout.splitlines()
    assert columns.split()[:4] == ["fleet", "usd_h", "/ours", "watts"]
    assert load == "voice: voice.yaml, 1 x its rates, 1 x the SLAs"
    assert ours.split()[0] == "ours"
    assert single.split()[:2] == ["plan", "--load"]
    assert newest.split()[:2] == ["all", "b200_sxm"]
    assert only.split()[:2] == ["only", "b200_sxm"]
    assert float(newest.split()[2]) >= float(only.split()[2]) >= float(ours.split()[1])
    assert ratios.startswith("  all b200_sxm / ours ")
