"""`fusewatch export` as it is typed: the calculation by hand, the columns, the files."""

from pathlib import Path

import pytest

from tests.cli.ledger import call, prepared

BY_HAND = """feature,team,calls,input_tokens,output_tokens,total_tokens,cost_usd
code-review,engineering,1,900,100,1000,0.00021
summarization,content,2,250,105,355,0.000053
search-assist,search,1,80,20,100,0.000012
unknown,unknown,1,40,10,50,0
"""


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return prepared(tmp_path, monkeypatch)


def test_the_five_generations_of_the_calculation_by_hand_give_its_csv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "spend.csv"
    assert call(monkeypatch, "export", "--to", str(file)) == 0
    assert file.read_text(encoding="utf-8") == BY_HAND
    assert "1 of 5 calls have no price" in capsys.readouterr().err


def test_it_goes_to_the_standard_output_when_no_target_is_named(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert call(monkeypatch, "export") == 0
    assert capfdbinary.readouterr().out.decode() == BY_HAND


def test_columns_are_chosen_and_name_the_dimensions_to_split_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "spend.csv"
    assert call(monkeypatch, "export", "--columns", "agent_type,calls,unpriced_calls,cost_usd", "--to", str(file)) == 0
    assert file.read_text() == ("agent_type,calls,unpriced_calls,cost_usd\nwriter,2,0,0.000053\nunknown,3,1,0.000222\n")


def test_the_periods_are_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "spend.csv"
    words = ("--per", "month", "--by", "provider", "--from", "2025-10", "--until", "2025-10", "--to", str(file))
    assert call(monkeypatch, "export", *words) == 0
    assert file.read_text().splitlines() == [
        "period,provider,calls,input_tokens,output_tokens,total_tokens,cost_usd",
        "2025-10,anthropic,1,900,100,1000,0.00021",
        "2025-10,openai,4,370,135,505,0.000065",
    ]


def test_rows_go_into_a_database_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("export", "--rows", "--to", f"sqlite:///{tmp_path}/warehouse.db")
    assert [call(monkeypatch, *words) for _ in range(2)] == [0, 0]
    said = capsys.readouterr().err.splitlines()
    assert [line.partition("db: ")[2] for line in said] == [
        "5 generations written or written anew",
        "0 generations written or written anew",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "spend.xlsx"], "--to: spend.xlsx is nowhere to export to"),
        (["--by", "faeture"], '--by: there is no dimension faeture; did you mean "feature"?'),
        (["--columns", "feature,dollars"], "--columns: there is no column dollars; choose from feature, calls"),
        (["--rows", "--by", "team"], "--by: is about sums, and --rows writes single generations"),
        (["--table", "spend", "--to", "spend.csv"], "--table: there are no tables in a csv file; leave it out"),
        (["--no-escape", "--to", "spend.jsonl"], "--no-escape: is about CSV files, and jsonl is never escaped"),
        (["--from", "2025-10", "--until", "2025-09"], "--until: 2025-09 is not after --from 2025-10"),
        (["--from", "2025-13"], "--from: there is no month 2025-13"),
        (["--timezone", "Berlin"], "did you mean Europe/Berlin?"),
        (["--format", "xml"], "there is no format xml; choose from csv, jsonl, parquet"),
    ],
)
def test_what_cannot_be_meant_is_named_with_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert call(monkeypatch, "export", *words) == 2
    assert said in capsys.readouterr().err
