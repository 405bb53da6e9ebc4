"""The page of verdicts: every finding of the paper's evaluation, what was tested, and what it depends on."""

from __future__ import annotations

from costmodel.pairs import LATENCY
from costmodel.paper_devices import COST_BASES, FLOP_BASES, NAMES, devices, prices
from orchestrator.reproduction import equations, figure4, sensitivity, voice_agent
from orchestrator.reproduction.findings import FINDINGS, Finding, verdict
from orchestrator.reproduction.page import Page, Part, Table
from orchestrator.reproduction.scenario import BASIS

HEADER = ("finding", "claim", "verdict", "depends on assumptions")


def page() -> Page:
    """The verdicts' page."""
    voice = voice_agent.verdicts()
    rows = [*(_finding(each) for each in FINDINGS), *_readings(), *_network(), _voice(voice)]
    return Page(
        "findings",
        "The paper's findings, with verdicts",
        tuple(f"({row[0]}) {row[1]}: {row[2]}" for row in rows),
        (
            "Each verdict is computed: a claim is tested in every cell of its dimensions, and the conditions under "
            "which all cells are true are found. Numbers in brackets are cells in which the claim is true. The basis: "
            f"{FLOP_BASES[BASIS.flop_basis]}; price: {COST_BASES[BASIS.cost_basis]}; {BASIS.rules.mfu:.0%} of FLOP/s "
            f"and {BASIS.rules.mbu:.0%} of bandwidth; TTFT {LATENCY.ttft_s * 1e3:g} ms and "
            f"{LATENCY.tbt_s * 1e3:g} ms between tokens. The sensitivity study changes one of these at a time.",
            Table("Verdicts", HEADER, tuple(rows), csv="findings.csv"),
            sensitivity.table(),
            _bought(),
            *(part for finding in FINDINGS for part in _cells(finding)),
            *_voice_parts(voice),
        ),
    )


def _bought() -> Table:
    """Why devices rank as they do: decode follows bandwidth per dollar, prefill FLOPs per dollar."""
    full, operating = prices("full"), prices("operating")
    rows = tuple(
        (
            NAMES[id_],
            *(
                f"{amount / hourly[id_]:.4g}" if amount else "no units"
                for hourly in (full, operating)
                for amount in (
                    device.mem_bytes_per_s / 1e9,
                    *(device.flops_per_s.get(each, 0.0) / 1e12 for each in ("fp16", "fp8")),
                )
            ),
        )
        for id_, device in devices("dense").items()
    )
    header = ("device", *(f"{what}, {basis}" for basis in ("full", "operating") for what in _RESOURCES))
    return Table("What a dollar an hour rents, by cost basis, dense rates", header, rows, brief=True)


_RESOURCES = ("GB/s", "FP16 TFLOP/s", "FP8 TFLOP/s")


def _finding(finding: Finding) -> tuple[str, ...]:
    return finding.id, finding.claim, str(verdict(finding, BASIS)), sensitivity.steadiness(finding)


def _readings() -> list[tuple[str, ...]]:
    return [
        ("figure 4", reading.claim, str(figure4.reading_verdict(reading)[0]), "FLOP basis: the cells")
        for reading in figure4.READINGS
    ]


def _network() -> list[tuple[str, ...]]:
    claim = f"Gbps are enough up to {equations.TOKENS[-1]} tokens for Llama variants"
    return [
        ("network", f"{gbps} {claim}, {reading}", str(equations.claim(gbps, reading)), "the reading: the rows")
        for gbps in equations.GBPS
        for reading in equations.READINGS
    ]


def _voice(verdicts: dict[str, str]) -> tuple[str, ...]:
    found = voice_agent.overall(verdicts)
    return (
        "voice agent",
        voice_agent.CLAIM,
        voice_agent.ABSENT if found is None else str(found),
        "cost basis: the cells",
    )


def _cells(finding: Finding) -> tuple[Part, ...]:
    rows = tuple((*cell, "yes" if true else "no", numbers) for cell, (true, numbers) in finding.cells(BASIS).items())
    words = ("scenario", "verdict")
    by_scenario = tuple((name, str(found)) for name, found in sensitivity.across(finding).items())
    return (
        f"## ({finding.id}) {finding.claim}\n\nTested as: {finding.test}.",
        Table(f"({finding.id}) by cell, basis", (*finding.dimensions, "true", "numbers"), rows),
        Table(f"({finding.id}) by scenario", words, by_scenario),
    )


def _voice_parts(verdicts: dict[str, str]) -> tuple[Part, ...]:
    found = verdicts or {"-": voice_agent.ABSENT}
    return (
        f"## {voice_agent.CLAIM}\n\nThe planner's answer for the example agent. `{voice_agent.COMMAND}` also says "
        "what it costs to keep those parts on CPU.",
        Table(
            voice_agent.CLAIM,
            ("cost basis", "verdict"),
            tuple((basis, said.split(";")[0]) for basis, said in found.items()),
        ),
    )
