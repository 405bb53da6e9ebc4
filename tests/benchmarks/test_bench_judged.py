import subprocess
import sys
from pathlib import Path


def test_plans_are_held_against_the_cheapest_that_the_judge_accepts(project: Path) -> None:
    command = [sys.executable, "benchmarks/bench_judged.py", "--shapes", "1x3", "--rates", "0.5", "--seeds", "3"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *_, columns, line = done.stdout.splitlines()
    assert columns.split()[:3] == ["shape", "runs/s", "plans?"]
    # No plan costs more than the cheapest, and none is missing.
    shape, rate, plans, found, cheapest, dearer, *_ = line.split()
    assert (shape, rate, dearer) == ("1x3", "0.5", "0")
    assert plans == found == cheapest
