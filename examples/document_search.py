"""Retrieval and text search over this project's own documents: the memory and the tool of the research assistant.

Both really run, on files that ship with the project, so that an answer can cite a file and a line that exist.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from orchestrator import memory, tool

ROOT = Path(__file__).resolve().parent.parent

COMMON_TEXT = (
    "a an and are as at be by do does each for from has have how i in is it its many mean means much of on or say says "
    "such that the their them these they this those to was what when where which who why will with you your"
)
COMMON_WORDS = frozenset(COMMON_TEXT.split())


@dataclass(frozen=True)
class Passage:
    """Consecutive lines of a document; `line` is the number of the first, from 1."""

    path: str
    line: int
    text: str


@dataclass(frozen=True)
class Index:
    """A BM25 index (Robertson and Zaragoza, 2009) with the usual k1 = 1.2 and b = 0.75."""

    passages: list[Passage]
    counts: list[Counter[str]]
    passages_with: Counter[str]
    mean_length: float

    def ranked(self, query: str) -> list[Passage]:
        """The passages that share a word with the query, best first."""
        wanted = set(words(query))
        scores = [self.score(wanted, position) for position in range(len(self.passages))]
        best = sorted(range(len(scores)), key=lambda position: -scores[position])
        return [self.passages[position] for position in best if scores[position] > 0]

    def score(self, wanted: set[str], position: int) -> float:
        """How well the passage at a position matches the wanted words."""
        count = self.counts[position]
        damping = 1.2 * (0.25 + 0.75 * count.total() / self.mean_length)
        shared = sorted(count.keys() & wanted)
        return sum(self._weight(word) * count[word] * 2.2 / (count[word] + damping) for word in shared)

    def _weight(self, word: str) -> float:
        found = self.passages_with[word]
        return math.log(1 + (len(self.counts) - found + 0.5) / (found + 0.5))


# Priors: `python examples/research_assistant.py --measure` on two cores of an AMD EPYC with other work. In a run each
# search is the first of its process and builds the index.
@memory(k=3, latency="30ms", latency_sd="7ms", cost_usd=0)
def search_docs(query: str) -> list[Passage]:
    """The passages of the project's documents that match best."""
    return _index_of_files(tuple((path, path.stat().st_mtime_ns) for path in documents())).ranked(query)


@tool(latency="2.8ms", latency_sd="1.5ms", cost_usd=0, timeout="5s", idempotent=True)
def find_text(term: str) -> list[Passage]:
    """The first three lines of prose in the project's documents that contain a text, whatever its case."""
    if not term.strip():
        raise ValueError("find_text needs a text to look for, got an empty one")
    lines = ((path, number, line) for path in documents() for number, line in enumerate(prose_of(path), 1))
    hits = (Passage(name_of(path), number, line) for path, number, line in lines if term.lower() in line.lower())
    return list(islice(hits, 3))


def documents() -> list[Path]:
    """README.md and every Markdown file below docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(path: Path) -> str:
    """A document's path relative to the project, as citations write it."""
    return path.relative_to(ROOT).as_posix()


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def words(text: str) -> list[str]:
    """Lower-case words without the commonest ones; a plural s is dropped, so that `pool` finds `pools`."""
    found = re.findall(r"[a-z0-9]+(?:[._][a-z0-9]+)*", text.lower())
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found if word not in COMMON_WORDS]


def prose_of(path: Path) -> list[str]:
    """The lines of a Markdown file with headings, comments and code blocks emptied, so that line numbers hold."""
    lines, in_code = list[str](), False
    for line in lines_of(path):
        fence = line.lstrip().startswith("```")
        in_code ^= fence
        lines.append("" if in_code or fence or line.startswith(("#", "<!--")) else line)
    return lines


def passages_of(path: Path) -> Iterator[Passage]:
    """The paragraphs, list items and table rows of a Markdown file."""
    first, lines = 1, list[str]()
    for number, line in enumerate([*prose_of(path), ""], 1):
        if lines and (not line.strip() or re.match(r"\s*([-*>]\s|\d+\.\s|\|)", line)):
            yield Passage(name_of(path), first, "\n".join(lines))
            lines = []
        if re.search(r"\w", line):
            first = first if lines else number
            lines.append(line)


@lru_cache(maxsize=1)
def _index_of_files(stamps: tuple[tuple[Path, int], ...]) -> Index:
    """The index over files as of these modification times: built again when a file has changed."""
    return index_over([passage for path, _ in stamps for passage in passages_of(path)])


def index_over(passages: list[Passage]) -> Index:
    """The first two words of a passage count twice: a definition begins with its term."""
    found = [words(passage.text) for passage in passages]
    counts = [Counter([*all_words, *all_words[:2]]) for all_words in found]
    passages_with = Counter(word for count in counts for word in count)
    mean_length = sum(count.total() for count in counts) / max(1, len(counts))
    return Index(passages, counts, passages_with, mean_length)
