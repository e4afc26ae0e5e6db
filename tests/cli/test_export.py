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
