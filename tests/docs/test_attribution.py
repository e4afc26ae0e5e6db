"""What the pages say about tagging, run against the stand-in and read by Fusewatch: the report names whose it was."""

import json
import re
import sys
from pathlib import Path

import pytest

from fusewatch.demo.standin import StandinServer, Store
from tests.docs.blocks import ROOT, blocks_of
from tests.process.home import Home, now_ms, wait_for

TAGGING = [b for b in blocks_of(ROOT / "docs" / "tagging.md") if "OTLPSpanExporter" in b.text]
WAYS = [*(b for b in blocks_of(ROOT / "docs" / "attribution.md") if b.language == "python"), *TAGGING]
BUDGETS = "version: 1\nbudgets: [{name: cap, limit: 1000 requests, last: 24h}]\n"
READ = 'fusewatch_budget_spent_requests{budget="cap",group=""}'


@pytest.mark.timeout(300)
def test_a_call_that_was_tagged_in_any_of_these_ways_is_found_under_its_feature_and_team(tmp_path: Path) -> None:
    assert len(WAYS) == 5
    with StandinServer(Store(), now_ms=now_ms) as langfuse:
        home = Home.make(tmp_path, langfuse.url)
        home.write(BUDGETS)
        try:
            for number, block in enumerate(WAYS, start=1):
                sent = home.call("-c", block.text, program=[sys.executable], within_s=60)
                assert sent.returncode == 0, f"{block}: {sent.stderr}"
                langfuse.store.advance(now_ms() + 60_000)
                arrived = sum(span.type == "GENERATION" for span in langfuse.store)
                assert arrived == number, f"{block} sent nothing"
            daemon = home.run()
            wait_for(lambda: daemon.metric(READ) >= len(WAYS), "every call is read", 120)
            shown = home.call("report", "spend", "--by", "feature,team,user", "--json")
        finally:
            home.end()
    groups = json.loads(shown.stdout)["groups"]
    named = sum(1 for block in WAYS if re.search(r"user_id|user\.id", block.text))
    assert {(g["feature"], g["team"], g["user"]): g["calls"] for g in groups} == {
        ("code-review", "engineering", "user-17"): named,
        ("code-review", "engineering", "unknown"): len(WAYS) - named,
    }
