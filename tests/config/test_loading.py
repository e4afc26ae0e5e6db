"""What a budget file means: the rules, projects and destinations that come out of it."""

from fractions import Fraction

import pytest

from fusewatch.config.rulefile import ConsoleConfig, SlackConfig, WebhookConfig, load
from fusewatch.domain.periods import Calendar, Every, Last
from fusewatch.domain.prices import Price
from fusewatch.domain.quiet import QuietHours
from fusewatch.domain.rules import (
    DEFAULT_ATTRIBUTION,
    DEFAULT_EXCLUDED_ENVIRONMENTS,
    DEFAULT_THRESHOLDS,
    AttributionSource,
    Baseline,
    BaselineUsing,
    Drift,
    Limit,
    Matcher,
    Method,
    Newcomers,
    Retention,
    Severity,
    Silent,
    Unattributed,
    Unit,
    Unpriced,
    Unreadable,
    period_kind,
)
from fusewatch.errors import ConfigError
from tests.config.reading import ALL_VARIABLES, GOOD, KEYS, read


def test_the_file_of_a_solo_developer_is_one_budget_told_in_the_terminal() -> None:
    loaded = load(GOOD / "three-lines.yaml", KEYS, secrets=True)
    (budget,) = loaded.rules.budgets
    assert (budget.name, budget.limit, budget.every) == ("daily-cap", Limit(Unit.USD, 5 * 10**12), Every.DAY)
    assert budget.thresholds == DEFAULT_THRESHOLDS
    assert budget.notify is None
    assert loaded.rules.notify == ("terminal",)
    assert loaded.destinations == (ConsoleConfig(name="terminal"),)
    assert loaded.warnings == ()
    assert loaded.rules.attribution == DEFAULT_ATTRIBUTION
    assert loaded.rules.excluded_environments == DEFAULT_EXCLUDED_ENVIRONMENTS
    assert loaded.rules.unreadable == Unreadable()
    (project,) = loaded.projects
    assert (project.name, project.base_url, project.public_key) == ("langfuse", "https://cloud.langfuse.com", "pk-lf-1")
    assert project.secret_key.get_secret_value() == "sk-lf-1"


def test_with_slack_webhook_url_there_is_a_destination_slack_and_it_is_the_default() -> None:
    loaded = load(GOOD / "three-lines.yaml", {**KEYS, "SLACK_WEBHOOK_URL": "http://127.0.0.1:9/hook"}, secrets=True)
    (slack,) = loaded.destinations
    assert isinstance(slack, SlackConfig)
    assert slack.name == "slack"
    assert slack.webhook_url is not None
    assert slack.webhook_url.get_secret_value() == "http://127.0.0.1:9/hook"
    assert loaded.rules.notify == ("slack",)
    assert loaded.rules.destinations["slack"].least is Severity.WARNING


def test_the_complete_example_passes_a_check_without_any_variable_set() -> None:
    loaded = load(GOOD / "complete.yaml", {}, secrets=False)
    assert [b.name for b in loaded.rules.budgets] == [
        "all-llm",
        "content-team",
        "each-feature",
        "per-project",
        "user-tokens",
    ]
    assert [s.name for s in loaded.rules.spikes] == ["twice-the-average", "hot-hour", "unit-cost"]
    unset = {problem.what.split()[0] for problem in loaded.warnings if problem.line}
    assert unset == set(ALL_VARIABLES)


def test_the_complete_example_runs_with_every_variable_set() -> None:
    loaded = load(GOOD / "complete.yaml", ALL_VARIABLES, secrets=True)
    assert loaded.warnings == ()
    assert [(p.name, p.public_key, p.organisation) for p in loaded.projects] == [
        ("shop", "pk-shop", "acme"),
        ("labs", "pk-labs", "acme"),
    ]
    by_name = {d.name: d for d in loaded.destinations}
    assert [d.type for d in loaded.destinations] == [
        "slack",
        "slack",
        "webhook",
        "alertmanager",
        "pagerduty",
        "email",
        "apprise",
        "console",
    ]
    finops, hook = by_name["finops"], by_name["hook"]
    assert isinstance(finops, SlackConfig)
    assert isinstance(hook, WebhookConfig)
    assert finops.channel == "#llm-spend"
    assert finops.token is not None
    assert finops.token.get_secret_value() == "xoxb-1"
    assert [secret.get_secret_value() for secret in hook.secrets] == ["whsec_c2VjcmV0"]
    assert by_name["content"].timezone == "Asia/Kolkata"
    assert finops.timezone == "Europe/Berlin"
    quiet = by_name["content"].quiet_hours
    assert quiet is not None
    assert quiet == QuietHours(22 * 60, 7 * 60, "Asia/Kolkata")
    assert by_name["content"].urgent == (Severity.CRITICAL,)
    assert finops.quiet_hours == QuietHours(22 * 60, 7 * 60, "Europe/Berlin")
    assert loaded.rules.destinations["content"].quiet == quiet
    (export,) = loaded.exports
    assert (export.cron.text, export.by, export.to.get_secret_value()) == (
        "0 2 * * *",
        ("feature", "team"),
        "csv:/data/spend.csv",
    )
    assert (export.every, export.rows, export.table) == (None, False, "")
    assert loaded.heartbeat is not None
    assert (loaded.heartbeat.url.get_secret_value(), loaded.heartbeat.every_ms) == ("https://hc.example.com/1", 300_000)
    assert set(loaded.rules.destinations) == {
        "finops",
        "content",
        "hook",
        "am",
        "pager",
        "mail",
        "anything",
        "terminal",
    }


def test_the_complete_example_means_what_it_says() -> None:
    rules = load(GOOD / "complete.yaml", ALL_VARIABLES, secrets=True).rules
    budgets = {budget.name: budget for budget in rules.budgets}
    content = budgets["content-team"]
    assert content.scope.where == (Matcher("team", ("content",)),)
    assert content.scope.unless == (Matcher("environment", ("staging", "ci-*")),)
    assert content.notify == ("content", "finops")
    each = budgets["each-feature"]
    assert each.each == ("feature",)
    assert [o.limit for o in each.overrides] == [Limit(Unit.USD, 75 * 10**12), Limit(Unit.USD, 90 * 10**12), None]
    assert each.overrides[1].because == "re-index, FIN-212"
    assert each.overrides[1].until_ms == 1_796_079_600_000  # 1 December 2026, 00:00 in Berlin
    assert budgets["per-project"].calendar == Calendar("America/New_York")
    assert budgets["user-tokens"].limit == Limit(Unit.TOKENS, 2_000_000)
    spike, hot_hour, unit_cost = rules.spikes
    assert (spike.factor, spike.floor, spike.baseline) == (Fraction(2), 5 * 10**12, Baseline())
    assert (hot_hour.method, hot_hour.last, hot_hour.floor) == (Method.SEASONAL, Last(3_600_000), 2 * 10**12)
    assert (unit_cost.unit, unit_cost.floor) == (Unit.USD_PER_REQUEST, 5 * 10**12)
    assert rules.routes[0].labels == (("owner", "content"),)
    assert rules.routes[0].runbook == "https://wiki.example.com/llm/content"
    assert rules.routes[1].match == (Matcher("team", ("*",)),)
    assert rules.attribution == (*DEFAULT_ATTRIBUTION, ("agent_type", (AttributionSource("metadata", "agent_type"),)))
    assert rules.metric_labels == ("feature", "team", "model", "operation")
    assert rules.calendar == Calendar("Europe/Berlin")
    assert rules.history_ms == 35 * 86_400_000
    assert rules.prices == (Price("^my-ft-", (("input", Fraction(3, 10**6)), ("output", Fraction(15, 10**6)))),)
    assert rules.repeat == ((Severity.CRITICAL, 4 * 3_600_000),)
    assert rules.new == Newcomers(("model",), 5 * 10**12)
    assert rules.retention == Retention(90 * 86_400_000, 3 * 365 * 86_400_000)


def test_a_budget_may_be_judged_by_langfuses_own_sums() -> None:
    loaded = read(
        "budgets:\n"
        "  - {name: totals, limit: $5, every: day, each: [model], source: metrics}\n"
        "  - {name: plain, limit: $5, every: day, source: ledger}\n"
    )
    assert [(budget.name, budget.metered) for budget in loaded.rules.budgets] == [("totals", True), ("plain", False)]


def test_a_seasonal_spike_needs_no_factor_and_looks_at_a_fortnight() -> None:
    loaded = read(
        "spikes:\n"
        "  - {name: hour, method: seasonal, last: 1h, floor: $2}\n"
        "  - {name: five, method: seasonal, factor: 3, baseline: {days: 5}}\n"
        "  - {name: unit-cost, factor: 2, of: cost per request, floor: $5}\n"
    )
    hour, five, unit_cost = loaded.rules.spikes
    assert (hour.method, hour.last, hour.floor) == (Method.SEASONAL, Last(3_600_000), 2 * 10**12)
    assert (hour.factor, five.factor) == (Fraction(1), Fraction(3))
    assert (hour.baseline.days, hour.baseline.at_least) == (14, 7)
    assert (five.baseline.days, five.baseline.at_least) == (5, 5)
    assert (unit_cost.unit, unit_cost.floor) == (Unit.USD_PER_REQUEST, 5 * 10**12)


def test_a_rolling_window_may_stand_in_place_of_a_period() -> None:
    loaded = read(
        "budgets:\n"
        "  - {name: day, limit: $5, last: 24h}\n"
        "  - {name: same, limit: 2M tokens, last: 1d}\n"
        "  - {name: shortest, limit: 7 requests, last: 15m}\n"
        "  - {name: longest, limit: $5, last: 90d}\n"
        "spikes:\n"
        "  - {name: hour, factor: 2, last: 1h}\n"
        "  - {name: today, factor: 2}\n"
    )
    kinds = [period_kind(rule).value for rule in loaded.rules.rules]
    assert kinds == ["last:24h", "last:24h", "last:15m", "last:90d", "last:1h", "day"]


def test_a_watch_can_be_switched_off() -> None:
    loaded = read("watch: {unreadable: false, drift: false, new: false}\n")
    assert loaded.rules.unreadable == Unreadable(None)


def test_the_unreadable_watch_can_be_tuned() -> None:
    assert read("watch: {unreadable: {after: 1h}}\n").rules.unreadable == Unreadable(3_600_000)
    assert read("watch: {unreadable: true}\n").rules.unreadable == Unreadable()


def test_an_empty_notify_tells_nobody() -> None:
    loaded = read("notify: []\nbudgets: [{name: a, limit: $5, every: day, notify: []}]\n")
    assert loaded.rules.notify == ()
    assert loaded.rules.budgets[0].notify == ()


@pytest.mark.parametrize(
    ("share", "severity"),
    [
        ("10%", "INFO"),
        ("50%", "INFO"),
        ("79.9%", "INFO"),
        ("80%", "WARNING"),
        ("100%", "CRITICAL"),
        ("120%", "CRITICAL"),
    ],
)
def test_a_threshold_without_severity_takes_that_of_the_default_below_it(share: str, severity: str) -> None:
    (budget,) = read(f"budgets: [{{name: a, limit: $5, every: day, thresholds: [{share}]}}]\n").rules.budgets
    assert budget.thresholds[0].severity is Severity[severity]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("$5", Limit(Unit.USD, 5 * 10**12)),
        ("0.25", Limit(Unit.USD, 25 * 10**10)),
        ("$0.000000000001", Limit(Unit.USD, 1)),
        ("'$1,250.50'", Limit(Unit.USD, 1_250_500_000_000_000)),
        ("2M tokens", Limit(Unit.TOKENS, 2_000_000)),
        ("10k tokens", Limit(Unit.TOKENS, 10_000)),
        ("1.5M tokens", Limit(Unit.TOKENS, 1_500_000)),
        ("500 requests", Limit(Unit.REQUESTS, 500)),
        ("1 request", Limit(Unit.REQUESTS, 1)),
        ("${CAP}", Limit(Unit.USD, 7 * 10**12)),
    ],
)
def test_a_limit_is_money_tokens_or_requests(text: str, limit: Limit) -> None:
    loaded = read(f"budgets:\n  - name: a\n    limit: {text}\n    every: hour\n", {"CAP": "$7"})
    assert loaded.rules.budgets[0].limit == limit


def test_zone_day_week_and_month_starts_may_stand_on_any_rule() -> None:
    loaded = read(
        "timezone: Asia/Kolkata\n"
        "day_starts_at: 06:30\n"
        "week_starts_on: sunday\n"
        "month_starts_on: 15\n"
        "budgets:\n"
        "  - {name: a, limit: $5, every: week}\n"
        "  - {name: b, limit: $5, every: week, timezone: UTC, day_starts_at: '00:00', week_starts_on: monday}\n"
    )
    assert loaded.rules.calendar == Calendar("Asia/Kolkata", 390, 6, 15)
    assert loaded.rules.budgets[0].calendar == Calendar("Asia/Kolkata", 390, 6, 15)
    assert loaded.rules.budgets[1].calendar == Calendar("UTC", 0, 0, 15)


def test_an_override_ends_where_its_local_day_begins_in_the_zone_of_the_rule() -> None:
    (budget,) = read(
        "budgets:\n"
        "  - name: a\n"
        "    limit: $5\n"
        "    every: day\n"
        "    timezone: Asia/Kolkata\n"
        "    day_starts_at: '06:00'\n"
        "    overrides: [{limit: $9, until: 2026-12-01}]\n"
    ).rules.budgets
    assert budget.overrides[0].until_ms == 1_796_085_000_000  # 2026-12-01T00:30:00Z
    assert budget.overrides[0].match == ()


def test_an_override_without_a_limit_keeps_the_limit_of_the_budget() -> None:
    (budget,) = read(
        "budgets:\n  - {name: a, limit: $5, every: day, each: [team], overrides: [{team: x, notify: [terminal]}]}\n"
    ).rules.budgets
    assert budget.overrides[0].limit == budget.limit
    assert budget.overrides[0].notify == ("terminal",)


def test_patterns_keep_the_text_that_was_written_whatever_yaml_makes_of_it() -> None:
    (budget,) = read(
        "budgets:\n"
        "  - {name: a, limit: $5, every: day, where: {release: 1.10, team: [no, 007, true], version: 2026-01-02}}\n"
    ).rules.budgets
    assert budget.scope.where == (
        Matcher("release", ("1.10",)),
        Matcher("team", ("no", "007", "true")),
        Matcher("version", ("2026-01-02",)),
    )


def test_a_spike_reads_its_baseline_and_its_unit() -> None:
    (spike,) = read(
        "spikes:\n"
        "  - name: tokens\n"
        "    factor: 1.5\n"
        "    of: tokens\n"
        "    floor: 10k tokens\n"
        "    baseline: {days: 14, at_least: 4, using: median, same_weekday: true}\n"
    ).rules.spikes
    assert (spike.factor, spike.unit, spike.floor) == (Fraction(3, 2), Unit.TOKENS, 10_000)
    assert spike.baseline == Baseline(14, 4, BaselineUsing.MEDIAN, True)


def test_a_short_baseline_needs_no_more_days_than_it_has() -> None:
    (spike,) = read("spikes: [{name: a, factor: 2, baseline: {days: 2}}]\n").rules.spikes
    assert spike.baseline == Baseline(2, 2)


def test_attribution_replaces_the_defaults_only_for_what_it_names() -> None:
    loaded = read("attribution:\n  team: ['tag:squad', metadata.org.team, user]\n  area: [operation]\n")
    assert loaded.rules.attribution == (
        DEFAULT_ATTRIBUTION[0],
        (
            "team",
            (
                AttributionSource("tag", "squad"),
                AttributionSource("metadata", "org.team"),
                AttributionSource("field", "user"),
            ),
        ),
        ("area", (AttributionSource("field", "operation"),)),
    )


def test_dimensions_of_the_files_own_may_be_used_everywhere() -> None:
    loaded = read(
        "attribution: {agent_type: [metadata.agent_type]}\n"
        "metrics: {labels: [agent_type], max_series: 10}\n"
        "budgets: [{name: a, limit: $5, every: day, each: [agent_type], where: {agent_type: x*}}]\n"
    )
    assert loaded.rules.metric_labels == ("agent_type",)
    assert loaded.rules.max_series == 10
    assert loaded.rules.budgets[0].each == ("agent_type",)


def test_a_section_whose_lines_are_all_comments_is_as_if_it_were_not_there() -> None:
    loaded = read("budgets:\n#  - {name: a, limit: $5, every: day}\ndestinations:\n")
    assert loaded.rules.budgets == ()


def test_anchors_and_merge_keys_spare_writing_a_thing_twice() -> None:
    loaded = read(
        "budgets:\n"
        "  - &usual {name: a, limit: $5, every: day, each: &by [feature, team]}\n"
        "  - {<<: *usual, name: b, limit: $9}\n"
        "  - {name: c, limit: $1, every: week, each: *by}\n"
    )
    assert [(b.name, b.limit.amount // 10**12, b.every, b.each) for b in loaded.rules.budgets] == [
        ("a", 5, Every.DAY, ("feature", "team")),
        ("b", 9, Every.DAY, ("feature", "team")),
        ("c", 1, Every.WEEK, ("feature", "team")),
    ]


def test_the_watches_over_a_day_are_on_with_their_defaults_and_silence_is_not() -> None:
    rules = read("budgets:\n  - {name: teams, each: [project, team], limit: $5, every: day}\n").rules
    assert (rules.unpriced, rules.drift) == (Unpriced(100), Drift(10**12))
    assert (rules.unattributed, rules.silent) == (Unattributed(Fraction(1, 5), 5 * 10**12), Silent(None))
    assert rules.watches == ("unreadable", "unpriced", "drift", "unattributed")


def test_the_watch_for_lacking_dimensions_is_on_only_where_a_rule_uses_one() -> None:
    assert "unattributed" not in read("budgets:\n  - {name: all, limit: $5, every: day}\n").rules.watches
    by_project = "budgets:\n  - {name: all, each: [project], limit: $5, every: day}\n"
    assert "unattributed" not in read(by_project).rules.watches
    by_scope = "spikes:\n  - {name: all, where: {team: content}, factor: 2}\n"
    assert "unattributed" in read(by_scope).rules.watches


def test_each_watch_over_a_day_can_be_tuned_and_switched_off() -> None:
    tuned = read(
        "watch: {unpriced: {above: 7 requests}, drift: {above: $0.50}, unattributed: {above: 5%, floor: $1},"
        " silent: {after: 3h}}\n"
    )
    assert (tuned.rules.unpriced, tuned.rules.drift) == (Unpriced(7), Drift(5 * 10**11))
    assert (tuned.rules.unattributed, tuned.rules.silent) == (
        Unattributed(Fraction(1, 20), 10**12),
        Silent(3 * 3_600_000),
    )
    off = read("watch: {unreadable: false, unpriced: false, drift: false, unattributed: false, silent: false}\n")
    assert off.rules.watches == ()
    assert read("watch: {silent: true, drift: true}\n").rules.silent == Silent(2 * 3_600_000)
    assert read("watch: {unattributed: {floor: $2}}\n").rules.unattributed == Unattributed(Fraction(1, 5), 2 * 10**12)


def test_a_digest_to_a_pager_is_refused_with_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        read("destinations: {p: {type: pagerduty, routing_key: key}}\ndigest: [{every: day, at: '09:00', to: [p]}]\n")
    assert "digest[0].to" in str(caught.value)
    assert "a digest is no alert" in str(caught.value)
