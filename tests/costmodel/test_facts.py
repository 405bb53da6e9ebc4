from pathlib import Path

import pytest

from costmodel.errors import CatalogError
from costmodel.facts import MAX_BYTES, read_facts

HEADER = "id,field,value,source,confidence\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "facts.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_fact_has_its_value_source_and_place(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + 'x,mem_bytes,80e9,"a page, read",sourced\n')
    fact = read_facts(path)["x"]["mem_bytes"]
    assert fact.number() == 80e9
    assert (fact.source.text, fact.source.confidence) == ("a page, read", "sourced")
    assert fact.where == f"{path}:2"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("x,mem_bytes,80e9,,sourced\n", "all filled"),
        ("x,mem_bytes,80e9,a page\n", "all filled"),
        ("x,mem_bytes,80e9,a page,certain\n", "confidence must be one of .* got 'certain'"),
        ("x,f,1,a,sourced\nx,f,2,a,sourced\n", "facts.csv:3: x f was already given at .*facts.csv:2"),
        ('x,"f,1\n', "not a CSV line"),
    ],
)
def test_a_malformed_row_is_an_error_with_its_line(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        read_facts(written(tmp_path, HEADER + rows))


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "many"])
def test_a_value_that_is_no_amount_is_an_error(tmp_path: Path, value: str) -> None:
    fact = read_facts(written(tmp_path, HEADER + f"x,f,{value},a,sourced\n"))["x"]["f"]
    with pytest.raises(CatalogError, match=f"got '{value}'"):
        fact.number()


def test_another_header_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="the header must be id,field"):
        read_facts(written(tmp_path, "id,value\n"))


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        read_facts(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError, match="cannot be read as UTF-8"):
        read_facts(tmp_path / "binary.csv")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="at most"):
        read_facts(written(tmp_path, "x" * (MAX_BYTES + 1)))
