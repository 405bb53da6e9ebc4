"""`orchestrator serve` as a process of its own: a run on a real Ray over HTTP, and the way it stops."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

ARGUMENTS = (
    "examples/worked_example.py",
    "--fleet",
    "examples/fleets/hp-co.yaml",
    "--port",
    "0",
    "--time-scale",
    "0.1",
)

POLL_S = 0.05


@pytest.mark.ray
def test_a_served_agent_runs_on_ray(project: Path) -> None:
    program = [str(Path(sys.executable).parent / "orchestrator"), "serve", *ARGUMENTS]
    with subprocess.Popen(program, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            announced = re.search(r"serving worked_example at (http://127\.0\.0\.1:\d+)", server.stdout.readline())
            assert announced is not None
            with httpx2.Client(base_url=announced[1]) as client:
                runs = [finished(client, question) for question in ("why?", "how?")]
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=120)
    for run in runs:
        assert run["status"] == "success"
        assert run["simulated"] is True
        measured = {operator["id"]: operator["measured_s"] for operator in run["report"]["operators"]}
        # unscaled: 80 ms on HP and 30 ms on CO, although a tenth of it was slept
        assert measured["answer.prefill"] == pytest.approx(0.080)
        assert measured["answer.decode"] == pytest.approx(0.030)
    assert server.returncode == 0
    assert errors == ""


def finished(client: httpx2.Client, question: str) -> dict[str, object]:
    accepted = client.post("/v1/runs", json={"agent": "worked_example", "input": {"question": question}})
    assert accepted.status_code == 202, accepted.text
    while True:
        run = client.get(accepted.headers["location"]).json()
        if run["finished_at"] is not None:
            return run
        time.sleep(POLL_S)  # leaves the cores to the server; the loop ends with the run, not with the clock
