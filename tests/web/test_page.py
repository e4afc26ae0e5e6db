"""The page: what is wrong comes first, names stay names, and nothing on it runs."""

import hashlib
import re
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from fusewatch.app.snapshot import Snapshot
from fusewatch.app.spending import Spending
from fusewatch.domain.notices import Crossing, Kind, NoticeLink
from fusewatch.domain.ratebudget import DAY_MS, MINUTE_MS, InUse, RateClass
from fusewatch.domain.rules import Severity, Unit
from fusewatch.web.assets import address_of
from fusewatch.web.page.budgets import FIRST
from fusewatch.web.page.parts import Shown
from fusewatch.web.page.query import Query
from fusewatch.web.page.rendering import render_page
from fusewatch.web.page.routes import CONTENT_SECURITY_POLICY
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
    asked,
    budget,
    get,
    request,
    spending,
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
    "body",
    "header",
    "h1",
    "p",
    "main",
    "section",
    "h2",
    "small",
    "ul",
    "li",
    "span",
    "details",
    "summary",
    "bdi",
    "b",
    "svg",
    "rect",
    "div",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "footer",
    "a",
    "nav",
    "form",
    "label",
    "input",
    "button",
    "figure",
    "figcaption",
    "script",
}
"""Every element that the page is made of."""

UPLOT = {
    "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""The files of the npm package uplot 1.6.32, by the hash of their bytes."""


ASKED_NOTHING = Query()


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


def page(
    picture: Snapshot = BUSY,
    problems: tuple[str, ...] = (),
    counted: Telemetry | None = None,
    query: Query = ASKED_NOTHING,
    spent: Spending | None = None,
) -> Read:
    process = (counted or telemetry()).process()
    return Read(render_page(Shown(picture, process, RULES, problems, query, spent or spending())).decode())


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
    assert "$75.20 of $75.00" in shown
    assert "daily · $3.50 of it estimated · resets in 7 h 17 min · at this pace $97.11 – $118.69" in shown
    assert "2,400,000 of 2,000,000 tokens" in shown
    assert "at least $0.00042 of $20.00" in shown
    assert "part of the period is not read yet" in shown


def test_spend_shows_what_is_estimated_beside_it_and_only_where_anything_is() -> None:
    assert "estimated" not in spend_part(spending())
    found = spending()
    found.series[0].estimate_pico = usd("4.25")
    shown = spend_part(found)
    assert "estimated" in shown
    assert "$4.25" in shown


def spend_part(found: Spending) -> str:
    """What the page says of where the money goes."""
    shown = page(QUIET, spent=found).text
    return shown[shown.index("Where does the money go?") : shown.index("Projects")]


def test_spend_is_told_by_value_with_its_share_and_what_today_will_have_cost() -> None:
    shown = page()
    assert "$88.00 today, $110.00 – $131.00 by the end of the day" in shown.text
    part = spend_part(spending())
    assert "$149.40 in all" in part
    assert "summarization$75.2050 %40" in part
    assert "Dearest traces" in part
    assert "nightlysummarizationshop15:42:0812$1.92" in part


def test_a_project_says_what_is_left_of_its_request_budget() -> None:
    used = (InUse(RateClass.READ, 4, 15, MINUTE_MS), InUse(RateClass.METRICS_V2, 50, 48, DAY_MS))
    shown = get(Daemon(in_use=used), "/").text
    assert ", 11 of 15 reads a minute left, 0 of 48 sums a day left" in shown
    assert " left" not in get(Daemon(), "/").text.partition('id="projects"')[2]


def test_what_drove_an_incident_unfolds_under_it() -> None:
    shown = page().text
    assert "What drove it, against the same hours of 7 days before (+$31.90):" in shown
    assert "feature summarization +$27.40, 3.1x requests, 1.3x price per token" in shown
    assert "model gpt-4o +$30.00, was gpt-4o-mini until 13:42:08" in shown
    assert "everything else +$4.50" in shown


def test_without_the_sums_the_rest_of_the_page_is_shown() -> None:
    shown = Read(render_page(Shown(BUSY, telemetry().process(), RULES)).decode()).text
    assert "This could not be read in time." in shown
    assert "Where do we stand?" in shown


def test_a_share_just_below_its_line_does_not_read_as_reached() -> None:
    close = replace(QUIET, budgets=(budget("close", usd("50"), usd("49.9996")),))
    assert "99 %" in page(close).text


def test_the_worst_budgets_are_shown_and_a_link_leads_to_the_others() -> None:
    many = tuple(budget("each-feature", usd("20"), usd(str(n)), feature=f"f{n}") for n in range(FIRST + 60))
    shown = page(replace(QUIET, budgets=many))
    assert f"1 – {FIRST} of {FIRST + 60}; the next are at 295 % or less." in shown.text
    assert ("href", "/?page=2#budgets") in shown.attributes
    assert "feature=f60" in shown.names
    assert "feature=f59" not in shown.names
    behind = page(replace(QUIET, budgets=many), query=Query(page=2))
    assert {"feature=f59", "feature=f10"} <= set(behind.names)
    assert {"feature=f60", "feature=f9"}.isdisjoint(behind.names)


def test_deliveries_that_wait_or_died_are_listed_with_the_reason() -> None:
    shown = page().text
    assert "Deliveries 3 waiting, 1 dead" in shown
    assert "example.com answered 410" in shown
    assert "Deliveries" not in page(QUIET).text


def test_times_are_those_of_the_zone_of_the_budget_file() -> None:
    assert "as of 16:42:08, times in Europe/Berlin" in page().text
    assert "resets in 7 h 17 min" in page().text


def hostile_picture(name: str) -> Snapshot:
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
    addresses = [value or "" for key, value in shown.attributes if key in ("href", "src", "action")]
    assert all(value.startswith(("/", "#", "https://langfuse.example.com/")) for value in addresses)
    assert not [value for value in addresses if value.startswith("//")]
    assert all(value.isascii() for value in addresses)
    assert name.encode("utf-8", "backslashreplace").decode() in shown.text or name.startswith("x")


def test_a_name_that_turns_the_writing_direction_turns_only_itself() -> None:
    shown = page(hostile_picture("\u202egnp.exe"), problems=("\u202e",))
    assert sum(word.count("\u202e") for word in shown.words) == sum(word.count("\u202e") for word in shown.names)


def test_only_our_own_files_run_on_the_page() -> None:
    answer = get(Daemon(), "/")
    policy = answer.headers["content-security-policy"]
    assert policy == CONTENT_SECURITY_POLICY
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", answer.text)
    assert [inner for kind, inner in scripts if "application/json" not in kind] == ["", ""]


def test_every_file_of_the_page_is_served_for_ever_under_its_own_address() -> None:
    daemon = Daemon()
    page_text = get(daemon, "/").text
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page_text)
    assert len(addresses) == 5
    for address, answer in zip(addresses, asked(daemon.app(), *map(request, addresses)), strict=True):
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", address)


def test_the_chart_library_is_vendored_unchanged_with_its_licence() -> None:
    folder = files("fusewatch.web") / "static" / "vendor" / "uplot-1.6.32"
    hashes = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir()}
    assert hashes == UPLOT


def test_the_page_fits_a_phone_and_follows_the_readers_light() -> None:
    content = get(Daemon(), "/").text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in content
    assert "prefers-color-scheme:dark" in get(Daemon(), address_of("page.css")).text
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
    assert [v for k, v in shown.attributes if k == "href" and v and v.startswith("https://lf")] == [
        rows,
        "https://lf.example/2",
    ]
    assert not [v for k, v in shown.attributes if k == "href" and v and v.startswith("javascript:")]
    assert set(shown.tags) <= ALLOWED
    assert "(wider: all of" in shown.text
