"""Answers questions about this project from its own documents, and cites the file and line behind each claim.

Everything that needs no accelerator really executes: retrieval, text search, the calculator, and the check that every
cited line exists and supports its claim. Only the texts of the planner and the writer are simulated, from the passages
that were found, and say so.

    orchestrator plan examples/research_assistant.py --fleet examples/fleets/mixed.yaml
    orchestrator run examples/research_assistant.py --fleet examples/fleets/mixed.yaml
    python examples/research_assistant.py --measure     # where the priors of the CPU steps come from
"""

import re
import sys
from dataclasses import dataclass, replace
from itertools import pairwise

from calculator import Sum, calculate
from document_search import Passage, documents, find_text, lines_of, name_of, search_docs, words
from measure import RUNS, print_priors

from orchestrator import agent, compute, fanout, llm, loop, when

EXAMPLE_INPUT = {
    "question": 'What is the gap of a plan, what does "bound_scope" say, what must a runtime worker do, '
    "and how much is (0.11 - 0.095) / 0.11 * 100?"
}

LABEL = "[simulated text]"
ARITHMETIC = re.compile(r"[-+(]*\d[\d.]*(?:\s*(?:\*\*|//|[-+*/%])\s*[-+(]*\d[\d.]*\)*)+")
ENOUGH_SHARED_WORDS = 0.6

# Priors below: `python examples/research_assistant.py --measure` on two cores of an AMD EPYC with other work; output
# tokens are those of the simulated texts.


@dataclass(frozen=True)
class Research:
    """What to look for: queries for retrieval, terms for the text search, expressions for the calculator."""

    queries: list[str]
    terms: list[str]
    expressions: list[str]
    has_expressions: bool


@dataclass(frozen=True)
class Claim:
    """One statement and the line that it rests on."""

    text: str
    path: str
    line: int


@dataclass(frozen=True)
class Draft:
    note: str
    claims: list[Claim]


@dataclass(frozen=True)
class Checked:
    """A draft with one entry of `problems` for each claim: empty where the cited line supports it."""

    draft: Draft
    problems: list[str]
    passed: bool


@dataclass(frozen=True)
class Answer:
    text: str
    citations: list[str]


def simulated_research(question: str) -> Research:
    """Splits the question by its punctuation; a term is what stands in quotes."""
    expressions = ARITHMETIC.findall(question)
    return Research(
        parts(question)[:4], re.findall(r'["`]([^"`]+)["`]', question)[:3], expressions[:3], bool(expressions)
    )


@llm(model="llama3.1-8b", tokens_in=240, tokens_out=55, max_tokens=256, simulate=simulated_research)
def plan_research(question: str) -> Research:
    """You prepare a search in a project's documents: short queries, literal terms to find, arithmetic to calculate."""
    return f"Question: {question}"


@compute(latency="1.1ms", latency_sd="0.7ms", cost_usd=0)
def gather(found: list[list[Passage]], exact: list[list[Passage]]) -> list[Passage]:
    """Every passage once, the best of each search first."""
    ranks = range(max((len(hits) for hits in [*found, *exact]), default=0))
    return list(dict.fromkeys(hits[rank] for rank in ranks for hits in [*found, *exact] if rank < len(hits)))


def simulated_draft(question: str, evidence: list[Passage]) -> Draft:
    """For each part of the question the sentence that fits best, cited at the first line of its passage.

    The first line is often not the sentence's own: the check sends such a citation back.
    """
    claims: list[Claim] = []
    for part in parts(question):
        claim = max(
            (
                Claim(sentence, passage.path, passage.line)
                for passage in evidence
                for sentence in sentences(passage.text)
            ),
            key=lambda claim: relevance(part, claim.text),
            default=None,
        )
        if claim is not None and claim not in claims and relevance(part, claim.text) > 0:
            claims.append(claim)
    return Draft(LABEL, claims)


@llm(model="llama3.1-8b", tokens_in=610, tokens_out=125, max_tokens=512, simulate=simulated_draft)
def write_draft(question: str, evidence: list[Passage]) -> Draft:
    """You answer from the lines given and from nothing else. Each claim names the path and the line it rests on."""
    return f"{numbered(evidence)}\n\nQuestion: {question}"


@compute(latency="2ms", latency_sd="1ms", cost_usd=0)
def check_citations(draft: Draft) -> Checked:
    """Reads every cited line: it must exist and, with the line after it, hold most of the claim's words."""
    problems = [problem_of(claim) for claim in draft.claims]
    return Checked(draft, problems, not any(problems))


def simulated_revision(question: str, evidence: list[Passage], checked: Checked) -> Draft:
    """Moves each refused citation to the line of the evidence that, with the next, shares most words with its claim."""
    lines = [
        (passage.path, passage.line + offset, set(words(f"{first} {second}")))
        for passage in evidence
        for offset, (first, second) in enumerate(pairwise([*passage.text.splitlines(), ""]))
    ]

    def moved(claim: Claim) -> Claim:
        wanted = set(words(claim.text))
        path, line, _ = max(lines, key=lambda candidate: len(wanted & candidate[2]))
        return replace(claim, path=path, line=line)

    pairs = zip(checked.draft.claims, checked.problems, strict=True)
    return Draft(LABEL, [moved(claim) if problem else claim for claim, problem in pairs])


@llm(model="llama3.1-8b", tokens_in=720, tokens_out=125, max_tokens=512, simulate=simulated_revision)
def revise(question: str, evidence: list[Passage], checked: Checked) -> Draft:
    """You correct a draft. Each claim must rest on the line it cites: cite another line, or drop the claim."""
    claims = zip(checked.draft.claims, checked.problems, strict=True)
    listed = "\n".join(f"{claim.path}:{claim.line}: {claim.text} ({problem or 'good'})" for claim, problem in claims)
    return f"{numbered(evidence)}\n\nQuestion: {question}\n\nDraft:\n{listed}"


@compute(latency="0.9ms", latency_sd="0.1ms", cost_usd=0)
def compose(checked: Checked, sums: list[Sum]) -> Answer:
    """The claims that passed with their citations, the calculated values, and how many claims were left out."""
    good = [claim for claim, problem in zip(checked.draft.claims, checked.problems, strict=True) if not problem]
    citations = [f"{claim.path}:{claim.line}" for claim in good]
    lines = [f"- {claim.text} [{citation}]" for claim, citation in zip(good, citations, strict=True)]
    lines += [f"- {found.expression} = {found.value:.6g} [calculated]" for found in sums if found.value is not None]
    lines += [f"- not calculated: {found.error}" for found in sums if found.value is None]
    dropped = len(checked.problems) - len(good)
    lines += [f"- left out: {dropped} without a line that supports it"] if dropped else []
    return Answer("\n".join([checked.draft.note, *(lines or ["The documents support no answer."])]).strip(), citations)


@agent(sla={"p95": "10s"})
def research_assistant(question: str) -> Answer:
    """Searches three ways at once, writes, and revises until every citation holds."""

    def revision(checked: Checked) -> Checked:
        return check_citations(revise(question, evidence, checked))

    research = plan_research(question)
    found = fanout(search_docs, research.queries, max=4, expect=3, overflow="truncate")
    exact = fanout(find_text, research.terms, max=3, expect=1, overflow="truncate")
    sums = when(
        research.has_expressions,
        lambda: fanout(calculate, research.expressions, max=3, expect=1, overflow="truncate"),
        list,
        p=0.5,
    )
    evidence = gather(found, exact)
    checked = loop(
        revision,
        check_citations(write_draft(question, evidence)),
        until=lambda checked: checked.passed,
        max_iters=3,
        expect=1,
    )
    return compose(checked, sums)


def parts(question: str) -> list[str]:
    """The question cut at its punctuation, without the parts that only ask for a calculation."""
    cut = re.split(r"[;,?](?:\s+and\b)?", ARITHMETIC.sub("", question))
    return [part.strip() for part in cut if len(set(words(part)) - {"calculate"}) > 0]


def relevance(part: str, sentence: str) -> float:
    """Words in common, fewer the longer the sentence, and once more when it begins with them as a definition does."""
    wanted, found = set(words(part)), words(sentence)
    return len(wanted & set(found)) / max(1, len(set(found))) ** 0.5 + len(wanted & set(found[:2]))


def sentences(text: str) -> list[str]:
    """The sentences of a passage as plain text; a table row or a list item is one sentence."""
    plain = " ".join(re.sub(r"^\s*([-*>]|\d+\.|#+)\s+", "", line) for line in text.splitlines())
    plain = re.sub(r"\]\([^)]*\)|[*`\[\]]", "", plain)
    if plain.startswith("|"):
        return [": ".join(cell.strip() for cell in plain.strip("| ").split("|"))]
    return [sentence for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", plain) if words(sentence)]


def numbered(evidence: list[Passage]) -> str:
    """The evidence as `path:line: text`, one line each."""
    lines = [(p.path, p.line + offset, line) for p in evidence for offset, line in enumerate(p.text.splitlines())]
    return "\n".join(f"{path}:{line}: {text}" for path, line, text in lines)


def problem_of(claim: Claim) -> str:
    """Why a citation does not hold; empty when it does."""
    path = next((path for path in documents() if name_of(path) == claim.path), None)
    if path is None:
        return f"{claim.path} is not among the documents"
    lines = lines_of(path)
    if not 1 <= claim.line <= len(lines):
        return f"{claim.path} has {len(lines)} lines, not {claim.line}"
    wanted = set(words(claim.text))
    shared = wanted & set(words(" ".join(lines[claim.line - 1 : claim.line + 1])))
    if not wanted or len(shared) < ENOUGH_SHARED_WORDS * len(wanted):
        return f"the line shares only {len(shared)} of {len(wanted)} words with the claim"
    return ""


def measure(runs: int = RUNS) -> None:
    """Prints what the steps take in runs on this machine, and the tokens of the model steps, on the example input."""
    question = EXAMPLE_INPUT["question"]
    research = simulated_research(question)
    evidence = gather([search_docs(query) for query in research.queries], [find_text(term) for term in research.terms])
    checked = check_citations(simulated_draft(question, evidence))
    prompts = {
        plan_research: {"question": question},
        write_draft: {"question": question, "evidence": evidence},
        revise: {"question": question, "evidence": evidence, "checked": checked},
    }
    print_priors("examples/research_assistant.py", "examples/fleets/mixed.yaml", prompts, runs)


if __name__ == "__main__" and "--measure" in sys.argv:
    measure()
