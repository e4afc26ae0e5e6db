"""Estimates in the real process: from Langfuse's list, from an edited file, and over a restart."""

from dataclasses import replace
from decimal import Decimal

from fusewatch.demo.standin import Span, StandinServer
from tests.process.home import Daemon, Home, noon_zone, spend, wait_for

RULES = f"version: 1\ntimezone: {noon_zone()}\nbudgets:\n  - {{name: cap, limit: $20, every: day}}\n"
SPENT = 'fusewatch_budget_spent_dollars{budget="cap",group=""}'
ESTIMATED = 'fusewatch_budget_estimated_dollars{budget="cap",group=""}'


def unpriced(model: str) -> Span:
    return replace(spend("0"), model=model, cost={}, usage={"input": 1_000_000})


def shows(daemon: Daemon, spent: str, estimated: str) -> bool:
    found = daemon.metrics()
    return (found.get(SPENT), found.get(ESTIMATED)) == (Decimal(spent), Decimal(estimated))


def test_estimates_come_from_langfuses_list_and_from_the_file_as_soon_as_either_knows_a_price(
    home: Home, langfuse: StandinServer
) -> None:
    langfuse.store.add([spend("1"), unpriced("gpt-4o"), unpriced("my-ft-7")])
    home.write(RULES)
    daemon = home.run()
    wait_for(lambda: shows(daemon, "3.5", "2.5"), "Langfuse's own price of gpt-4o")
    home.write(RULES + 'prices: [{match: "^my-ft-", input: 4}]\n')
    wait_for(lambda: shows(daemon, "7.5", "6.5"), "the price in the file", 5)
    assert daemon.stop() == 0

    again = home.run()
    wait_for(lambda: shows(again, "7.5", "6.5"), "the same after a restart")
    langfuse.store.add([unpriced("openai/gpt-4o")])
    wait_for(lambda: shows(again, "10", "9"), "the list that was kept prices what comes")
    assert again.stop() == 0
    asked = [seen for seen in langfuse.log if seen.path.endswith("/models")]
    assert len(asked) == 1
