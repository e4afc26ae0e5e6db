"""How long the ledger takes for a page, compared with merely parsing the JSON that it came as.

Ratios, because they hold on any machine; medians of interleaved rounds, because machines have moods.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import orjson

from fusewatch.domain.attribution import Attributed
from fusewatch.domain.inheritance import NOTHING_INHERITED, Gift, Heirs, Inheritance, TraceRead
from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import IngestUnit, ProjectIdentity, Span
from fusewatch.store import SqlStore, open_store

_ROWS = 50_000
_PAGE = 1_000
_PAGES_A_COMMIT = 5
_ROUNDS = 3
_START_MS = 1_760_000_000_000
_PROJECT = ProjectIdentity("https://langfuse.example", "bench", "Bench", "org", "v2", "")


def rows() -> list[tuple[str, float, str, float | None]]:
    """(name, value, unit, budget) of each measurement."""
    pages = list(_pages())
    gc.collect()
    gc.freeze()  # The daemon holds a page or two, not these fifty; the collector would walk them all again and again.
    texts = [orjson.dumps({"data": [_as_json(g) for g in page]}) for page in pages[:10]]
    parse, fresh, again, giving, given = [], [], [], [], []
    inheritance = [_inheritance(page) for page in pages]
    for _ in range(_ROUNDS):
        parse.append(_parse_seconds(texts) / (len(texts) * _PAGE))
        with _store() as store:
            fresh.append(_record_seconds(store, pages) / _ROWS)
            again.append(_record_seconds(store, pages) / _ROWS)
        with _store() as store:
            giving.append(_record_seconds(store, pages, inheritance) / _ROWS)
            given.append(_record_seconds(store, pages, inheritance) / _ROWS)
    base = median(parse)
    return [
        ("parsing one row with orjson", base * 1e6, "µs", None),
        ("recording one new row", median(fresh) * 1e6, "µs", None),
        ("recording new rows / parsing them", median(fresh) / base, "x", None),
        ("recording unchanged rows / parsing them", median(again) / base, "x", 1.1),
        ("recording new rows with their traces / parsing them", median(giving) / base, "x", None),
        ("recording unchanged rows with their traces / parsing them", median(given) / base, "x", 1.1),
    ]


@contextmanager
def _store() -> Iterator[SqlStore]:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        with open_store(url, holder="bench", exclusive=True) as store:
            store.register(_PROJECT, "bench", now_ms=1)
            yield store


def _parse_seconds(texts: Sequence[bytes]) -> float:
    started = perf_counter()
    for text in texts:
        orjson.loads(text)
    return perf_counter() - started


def _record_seconds(
    store: SqlStore, pages: Sequence[Sequence[Generation]], traces: Sequence[Inheritance] | None = None
) -> float:
    reads = list(zip(pages, traces or [NOTHING_INHERITED] * len(pages), strict=True))

    def commit(group: Sequence[tuple[Sequence[Generation], Inheritance]]) -> None:
        def work(unit: IngestUnit) -> None:
            for page, inheritance in group:
                span = Span(page[-1].start_ms, page[0].start_ms + 1)
                unit.record(span, page, now_ms=_START_MS, inheritance=inheritance)

        store.ingest(_PROJECT.key, work)

    started = perf_counter()
    for at in range(0, len(reads), _PAGES_A_COMMIT):
        commit(reads[at : at + _PAGES_A_COMMIT])
    return perf_counter() - started


def _inheritance(page: Sequence[Generation]) -> Inheritance:
    """What a reader hands on with the page: each trace gives what its calls say."""
    heirs = Heirs(("feature", "release", "session", "team", "trace_name", "user", "version"))
    traces = {
        g.trace_id: TraceRead((Gift(g.start_ms, g.id, g.updated_ms, heirs.offers(_who(g))),), heirs.lacks(_who(g)))
        for g in page
    }
    return Inheritance("bench", heirs, traces)


def _who(g: Generation) -> Attributed:
    return Attributed(g.dimensions, g.user, g.session)


def _pages() -> Iterator[list[Generation]]:
    """Pages newest first, ten generations a second, five to a trace, two traces to a session."""
    for page in range(_ROWS // _PAGE):
        newest = _ROWS - page * _PAGE
        yield [_generation(number) for number in range(newest - 1, newest - 1 - _PAGE, -1)]


def _generation(number: int) -> Generation:
    seed = md5(str(number).encode(), usedforsecurity=False).digest()
    trace = md5(f"trace {number // 5}".encode(), usedforsecurity=False)
    session = number // 10
    return Generation(
        trace_id=trace.hexdigest(),
        id=seed[:8].hex(),
        start_ms=_START_MS + number * 100,
        updated_ms=_START_MS + number * 100 + 4_000,
        cost_pico=int.from_bytes(seed[8:12], "big") * 3,
        pricing=Pricing.PRICED,
        tokens=Tokens(input=seed[0] * 40, output=seed[1], total=seed[0] * 40 + seed[1]),
        duration_ms=seed[2] * 20,
        dimensions=_dimensions(session % 12, session % 5, seed[3] % 4),
        user=f"user-{session * 7919 % 2_000}",
        session=f"session-{session:08d}",
        digest=int.from_bytes(seed[:8], "big", signed=True),
    )


def _dimensions(feature: int, team: int, model: int) -> Dimensions:
    # Made anew for each row, as a reader does: equal strings, but never the same ones.
    return Dimensions(
        environment="".join(("produc", "tion")),
        feature=f"feature-{feature}",
        team=f"team-{team}",
        model=f"model-{model}-2026-01-01",
        provider=f"provider-{model}",
        operation="".join(("ch", "at")),
        type="".join(("GENER", "ATION")),
        release=f"2026.11.{team}",
        version=f"v{model}",
        prompt=f"prompt-{feature}",
        trace_name=f"handle-{feature}",
    )


def _as_json(g: Generation) -> dict[str, object]:
    """About 1.5 kB, in the shape of the v2 observations."""
    stamp = "2026-11-22T15:04:05.123Z"
    return {
        "id": g.id,
        "traceId": g.trace_id,
        "projectId": "cm0000000000000000000000",
        "startTime": stamp,
        "endTime": stamp,
        "completionStartTime": stamp,
        "createdAt": stamp,
        "updatedAt": stamp,
        "type": "GENERATION",
        "parentObservationId": g.id,
        "name": g.dimensions.trace_name,
        "level": "DEFAULT",
        "statusMessage": None,
        "version": g.dimensions.version,
        "environment": g.dimensions.environment,
        "bookmarked": False,
        "public": False,
        "userId": g.user,
        "sessionId": g.session,
        "isRootObservation": False,
        "model": g.dimensions.model,
        "internalModelId": "cm1111111111111111111111",
        "modelParameters": {"temperature": 0.7, "max_tokens": 1024},
        "usageDetails": {"input": g.tokens.input, "output": g.tokens.output, "total": g.tokens.total},
        "costDetails": {"input": 0.001234, "output": 0.000567, "total": g.cost_pico / 1e12},
        "totalCost": g.cost_pico / 1e12,
        "latency": 1.234,
        "timeToFirstToken": 0.456,
        "tags": ["feature:" + g.dimensions.feature, "team:" + g.dimensions.team],
        "release": g.dimensions.release,
        "traceName": g.dimensions.trace_name,
        "promptId": None,
        "promptName": g.dimensions.prompt,
        "promptVersion": 3,
        "inputPrice": "0.0000025",
        "outputPrice": "0.00001",
        "totalPrice": None,
        "metadata": {
            "feature": g.dimensions.feature,
            "team": g.dimensions.team,
            "attributes": {"gen_ai.system": g.dimensions.provider, "http.route": "/v1/answers/{id}"},
            "resourceAttributes": {"service.name": "answers", "telemetry.sdk.language": "python"},
            "scope": {"name": "langfuse-sdk", "version": "4.14.3"},
        },
    }
