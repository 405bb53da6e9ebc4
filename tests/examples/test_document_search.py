"""Retrieval and text search find what the documents hold, with the right file and line."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

GUIDE = """# Guide

Pools are shared.
A pool of replicas serves one model
and keeps its cache warm.

| word | meaning |
|---|---|
| bound | a proven lower limit |

- first point about queues
- second point about bounds

```
bound = hidden_in_code
```
"""


@pytest.fixture
def search(example: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, looking at two small documents."""
    module = example("document_search")
    (tmp_path / "docs/deep").mkdir(parents=True)
    (tmp_path / "README.md").write_text("A short readme.\n", encoding="utf-8")
    (tmp_path / "docs/deep/guide.md").write_text(GUIDE, encoding="utf-8")
    (tmp_path / "docs/notes.txt").write_text("bound, but not a document\n", encoding="utf-8")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def test_a_document_is_cut_into_paragraphs_items_and_rows(search: ModuleType) -> None:
    guide = search.documents()[1]
    assert [(passage.line, passage.text) for passage in search.passages_of(guide)] == [
        (3, "Pools are shared.\nA pool of replicas serves one model\nand keeps its cache warm."),
        (7, "| word | meaning |"),
        (9, "| bound | a proven lower limit |"),
        (11, "- first point about queues"),
        (12, "- second point about bounds"),
    ]


def test_the_best_passage_comes_first_and_k_bounds_their_number(search: ModuleType) -> None:
    # `bound` is in two passages, `queue` in one: the rarer word weighs more. Lines 9 and 12 tie, in file order.
    found = search.search_docs("bounds of a queue")
    assert [passage.line for passage in found] == [11, 9, 12]
    assert {passage.path for passage in found} == {"docs/deep/guide.md"}


def test_the_score_is_that_of_bm25(search: ModuleType) -> None:
    passages = [search.Passage("a", 1, "queue"), search.Passage("a", 2, "pool pool model")]
    index = search.index_over(passages)
    # Weight of a word in 1 of 2 passages: ln(1 + 1.5 / 1.5) = ln 2. The first two words count twice, so the lengths are
    # 2 and 5, on average 3.5, and pool counts 4: ln 2 * 4 * 2.2 / (4 + 1.2 * (0.25 + 0.75 * 5 / 3.5))
    # 0.75 * 5 / 3.5 = 1.0714286; 1.2 * 1.3214286 = 1.5857143; 8.8 / 5.5857143 = 1.5754476
    assert index.score({"pool"}, 1) == pytest.approx(math.log(2) * 1.5754476, rel=1e-6)
    assert index.score({"pool"}, 0) == 0


def test_a_query_without_a_known_word_finds_nothing(search: ModuleType) -> None:
    assert search.search_docs("zebra") == []
    assert search.search_docs("what is the") == []


def test_a_changed_file_is_read_again(search: ModuleType, tmp_path: Path) -> None:
    assert search.search_docs("zebra") == []
    readme = tmp_path / "README.md"
    readme.write_text("A zebra.\n", encoding="utf-8")
    os.utime(readme, ns=(0, 0))
    assert search.search_docs("zebra") == [search.Passage("README.md", 1, "A zebra.")]


def test_text_search_gives_path_and_line_of_prose_whatever_the_case(search: ModuleType) -> None:
    assert search.find_text("BOUND") == [
        search.Passage("docs/deep/guide.md", 9, "| bound | a proven lower limit |"),
        search.Passage("docs/deep/guide.md", 12, "- second point about bounds"),
    ]


def test_text_search_takes_the_term_literally(search: ModuleType) -> None:
    assert search.find_text(".*") == []


def test_text_search_gives_at_most_three_lines(search: ModuleType) -> None:
    assert len(search.find_text("e")) == 3


def test_an_empty_term_is_refused(search: ModuleType) -> None:
    with pytest.raises(ValueError, match="got an empty one"):
        search.find_text("  ")


def test_the_project_itself_is_searched(example: Callable[[str], ModuleType], project: Path) -> None:
    found = example("document_search").search_docs("critical path")
    lines = [(project / passage.path).read_text(encoding="utf-8").splitlines() for passage in found]
    assert found
    assert [passage.text.splitlines()[0] for passage in found] == [
        of_file[passage.line - 1] for of_file, passage in zip(lines, found, strict=True)
    ]
