"""One page as Markdown, CSV and text."""

from orchestrator.reproduction.page import Data, Figure, Page, Table, csv_files, markdown, text

PAGE = Page(
    "thing",
    "A thing",
    ("it holds",),
    (
        "Prose.",
        Table("Numbers", ("a", "b"), (("1", "x, y"),), csv="numbers.csv", brief=True),
        Table("More", ("c",), (("2",),)),
        Figure("A drawing", "thing.png"),
        Data("All of it", "all.csv", ("d",), (("3",), ("4",))),
    ),
)


def test_markdown() -> None:
    assert markdown(PAGE) == (
        "# A thing\n\nMade by `orchestrator reproduce thing`; change nothing here by hand.\n\n- it holds\n\nProse.\n\n"
        "Numbers (`orchestrator reproduce thing`, [CSV](numbers.csv))\n\n| a | b |\n| --- | --- |\n| 1 | x, y |\n\n"
        "More (`orchestrator reproduce thing`)\n\n| c |\n| --- |\n| 2 |\n\n"
        "![A drawing](thing.png)\n\nA drawing (`orchestrator reproduce thing`)\n\n"
        "All of it: [all.csv](all.csv) (`orchestrator reproduce thing`)\n"
    )


def test_csv() -> None:
    assert csv_files(PAGE) == {"numbers.csv": 'a,b\n1,"x, y"\n', "all.csv": "d\n3\n4\n"}


def test_text_shows_brief_tables_only() -> None:
    assert text(PAGE) == "A thing\n=======\n* it holds\n\nNumbers\na  b\n-  ----\n1  x, y"
