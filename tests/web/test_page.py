"""The page: what is wrong comes first, names stay names, and nothing on it runs."""

import base64
import hashlib
import re
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser

import pytest

from fusewatch.domain.notices import Crossing, Kind, NoticeLink
from fusewatch.domain.rules import Severity, Unit
from fusewatch.web.page import CONTENT_SECURITY_POLICY, MOST_BUDGETS, render_page
from fusewatch.web.telemetry import Telemetry
from tests.web.pictures import (
    BUSY,
    CROSSED,
    FAILING,
    MINUTE,
    NOW,
    QUIET,
    RULES,
    WATCHED,
    Daemon,
    budget,
    get,
    telemetry,
    usd,
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; background:url(//evil.example.com)",
    "</style><script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "&lt;b&gt;",
    "\u202egnp.exe",
    "a\udcff",
    "x" * 5000,
)
ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "link",
    "style",
    "body",
    "header",
    "h1",
    "p",
    "main",
    "section",
    "h2",
    "small",
}
ALLOWED |= {
    "ul",
    "li",
    "span",
    "details",
    "summary",
    "bdi",
    "svg",
    "rect",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
ALLOWED |= {"footer", "a"}


class Read(HTMLParser):
    """The page as a browser takes it: its tags, their attributes, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.names: list[str] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)
        if "bdi" in self._open:
            self.names.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def page(picture: object = BUSY, problems: tuple[str, ...] = (), counted: Telemetry | None = None) -> Read:
    process = (counted or telemetry()).process()
    return Read(render_page(picture, process, RULES, problems).decode())  # type: ignore[arg-type]


def test_when_nothing_is_wrong_it_says_so_and_how_old_the_data_is() -> None:
    shown = page(QUIET).text
    assert "All quiet, data as of 16:41:53" in shown
    assert "Is anything wrong?" not in shown


def test_what_is_wrong_stands_first_the_worst_on_top() -> None:
    shown = page(problems=("ingest shop has been silent for 130 s",)).text
    order = [
        "5 things need a look",
        "ingest shop has been silent for 130 s",
        "pager did not get 1 notice; nothing tries again.",
        "each-feature feature=summarization is at 100 % of its daily budget: $75.20 of $75.00",
        "labs cannot be read since 16:27:08 (15 min). Spend since then is unknown, not zero.",
        "twice-the-average feature=summarization,team=content is at 2.4x its daily average: $21.60",
        "Where do we stand?",
    ]
    places = [shown.find(text) for text in order]
    assert -1 not in places
    assert places == sorted(places)


def test_an_open_incident_that_is_only_worth_knowing_leaves_it_quiet() -> None:
    shown = page(replace(QUIET, open_incidents=(replace(CROSSED, severity=Severity.INFO),))).text
    assert "All quiet" in shown
    assert "Is anything wrong? 1 info" in shown


def test_a_project_that_fails_is_told_before_its_incident_opens() -> None:
    failing = replace(FAILING, failing_since_ms=NOW - 2 * MINUTE)
    shown = page(replace(QUIET, projects=(failing,))).text
    assert "1 thing needs a look" in shown
    assert "labs cannot be read since 16:40:08: Langfuse at https://langfuse.example.com answers 503" in shown


def test_a_broken_budget_file_is_told() -> None:
    counted = telemetry()
    counted.reload(False, NOW)
    assert "The budget file has mistakes; the last good one stays in force." in page(QUIET, counted=counted).text


def test_before_the_first_answer_it_waits_and_while_history_loads_it_says_so() -> None:
    assert "Waiting for the first answer of Langfuse" in page(replace(QUIET, projects=())).text
    loading = replace(QUIET, projects=(replace(QUIET.projects[0], loaded_ms=None),), budgets=(), loading=("all-llm",))
    shown = page(loading).text
    assert "Reading the history; quiet so far" in shown
    assert "Still reading the history of all-llm: nothing can be said of it yet." in shown


def test_budgets_stand_worst_first_with_amounts_share_reset_and_pace() -> None:
    shown = page().text
    assert shown.index("user-tokens user=user-4711") < shown.index("all-llm")
    assert "$75.20 of $75.00 · $3.50 of it estimated · resets in 7 h 17 min · at this pace $97.11 – $118.69" in shown
    assert "2,400,000 of 2,000,000 tokens" in shown
    assert "at least $0.00042 of $20.00" in shown
    assert "part of the period is not read yet" in shown


def test_spend_shows_what_is_estimated_beside_it_and_only_where_anything_is() -> None:
    assert "estimated this month" in page().text
    assert "$392.52 this month, $4.25 estimated beside it" in page().text
    without = replace(BUSY, spend=BUSY.spend[1:], budgets=())
    assert "estimated" not in page(without).text


def test_a_share_just_below_its_line_does_not_read_as_reached() -> None:
    close = replace(QUIET, budgets=(budget("close", usd("50"), usd("49.9996")),))
    assert "99 %" in page(close).text


def test_two_hundred_budgets_are_shown_and_the_rest_is_counted() -> None:
    many = tuple(budget("each-feature", usd("20"), usd(str(n)), feature=f"f{n}") for n in range(MOST_BUDGETS + 60))
    shown = page(replace(QUIET, budgets=many))
    assert "60 more, all at 295 % or less." in shown.text
    assert "feature=f60" in shown.names
    assert "feature=f59" not in shown.names


def test_deliveries_that_wait_or_died_are_listed_with_the_reason() -> None:
    shown = page().text
    assert "Deliveries 3 waiting, 1 dead" in shown
    assert "example.com answered 410" in shown
    assert "Deliveries" not in page(QUIET).text


def test_times_are_those_of_the_zone_of_the_budget_file() -> None:
    assert "as of 16:42:08, times in Europe/Berlin" in page().text


def hostile_picture(name: str) -> object:
    """Every text that can come from outside, hostile."""
    labels = (("feature", name),)
    incidents = tuple(
        replace(one, rule=name, labels=labels, detail=name, timezone="UTC") for one in BUSY.open_incidents
    )
    return replace(
        BUSY,
        projects=tuple(replace(one, name=name, failure_text=name, failure=name) for one in BUSY.projects),
        budgets=tuple(replace(one, budget=name, labels=labels) for one in BUSY.budgets),
        spikes=tuple(replace(one, rule=name, labels=labels) for one in BUSY.spikes),
        spend=tuple(replace(one, labels=(name,) * 5) for one in BUSY.spend),
        loading=(name,),
        open_incidents=incidents,
        deliveries={(name, "dead"): 1, (name, "pending"): 1},
        stuck=tuple(one._replace(destination=name, text=name, reason=name) for one in BUSY.stuck),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text(name: str) -> None:
    shown = page(hostile_picture(name), problems=(name,))
    assert set(shown.tags) <= ALLOWED
    assert not [key for key, _ in shown.attributes if key.startswith("on") or key == "style"]
    assert {value for key, value in shown.attributes if key in ("href", "src")} == {
        "data:,",
        "/metrics",
        "/api/v1/openapi.json",
    }
    assert name.encode("utf-8", "backslashreplace").decode() in shown.text or name.startswith("x")


def test_a_name_that_turns_the_writing_direction_turns_only_itself() -> None:
    shown = page(hostile_picture("\u202egnp.exe"), problems=("\u202e",))
    assert sum(word.count("\u202e") for word in shown.words) == sum(word.count("\u202e") for word in shown.names)


def test_nothing_runs_on_the_page_and_only_its_own_style_applies() -> None:
    answer = get(Daemon(), "/")
    policy = answer.headers["content-security-policy"]
    assert policy == CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "<script" not in answer.text
    assert " style=" not in answer.text


def test_the_page_fits_a_phone_and_follows_the_readers_light() -> None:
    content = get(Daemon(), "/").text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in content
    assert "prefers-color-scheme:dark" in content
    assert content.startswith('<!doctype html>\n<html lang="en">')


def test_what_a_watch_over_a_day_found_is_a_sentence() -> None:
    since = Crossing(Fraction(1), Severity.WARNING, 0, NOW - 127 * MINUTE, NOW)
    drift = replace(WATCHED, kind=Kind.DRIFT, unit=Unit.USD, measured=-usd("3.2"), limit=usd("1"), parts=())
    lacking = replace(
        drift, kind=Kind.UNATTRIBUTED, key=("p", "team"), measured=usd("12.41"), limit=usd("7.3"), baseline=usd("36.5")
    )
    silent = replace(WATCHED, kind=Kind.SILENT, measured=0, limit=0, parts=(), crossings=(since,))
    shown = page(replace(BUSY, open_incidents=(WATCHED, drift, lacking, silent))).text
    partly = page(replace(BUSY, open_incidents=(replace(WATCHED, estimated=usd("3.21")),))).text
    assert "Their cost is estimated at $3.21, as far as prices are known." in partly
    for sentence in (
        "labs: 212 requests without a price today (my-ft-summarizer 200, llama-4 12). Their cost is unknown, not zero.",
        "labs: the ledger holds $3.20 less than Langfuse, and nothing explains it. By hour: fusewatch reconcile",
        "labs: 34 % of today's cost has no team: $12.41 of $36.50",
        "labs: no generation since 14:35:08 (2 h 07 min), where one always came at these hours",
    ):
        assert sentence in shown


@pytest.mark.parametrize("name", HOSTILE)
def test_an_open_incident_leads_to_its_rows_and_only_to_a_web_address(name: str) -> None:
    rows = 'https://lf.example/project/p1/observations?filter=a%3B"><b>&dateRange=1-2'
    links = (
        NoticeLink("Open these rows in Langfuse", rows),
        NoticeLink(name, "https://lf.example/2", f"all of {name}"),
        NoticeLink("Open these rows in Langfuse", "javascript:alert(1)"),
    )
    shown = page(replace(BUSY, links={BUSY.open_incidents[0].id: links}))
    assert [v for k, v in shown.attributes if k == "href" and v and v.startswith("https:")] == [
        rows,
        "https://lf.example/2",
    ]
    assert not [v for k, v in shown.attributes if k == "href" and v and v.startswith("javascript:")]
    assert set(shown.tags) <= ALLOWED
    assert "(wider: all of" in shown.text
