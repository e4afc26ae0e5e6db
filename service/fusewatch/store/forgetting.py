"""A person leaves the database: the name goes wherever it stands, the spend stays under `forgotten`.

Users are texts that rows point to, so the text itself is replaced by a mark, and every row, old or new, that points to
it reads as `forgotten` from then on. The mark is a keyed hash of the name: whoever writes a text that is new to the
database looks whether it has a mark, so that what Langfuse still reports of the person comes to the same place. The key
is random and made once for each database.
"""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import replace
from hashlib import blake2b
from urllib.parse import unquote

from fusewatch.domain.explanations import Driver, Part
from fusewatch.domain.incidents import fingerprint, stable_id
from fusewatch.domain.notices import Incident, Message, Notice
from fusewatch.domain.usage import FORGOTTEN, Dimensions
from fusewatch.ports import PersonPlaces, Traces
from fusewatch.store import bulk, codec, holding, incidents, known, meta, silences
from fusewatch.store.connection import Link

MARK = "\x1fforgotten:"
"""What a mark begins with; no value does, since values hold no control characters."""

_KEY, _DIMENSIONS = "forget_key", "forget_dimensions"
_AT_ONCE = 500


def mark_of(link: Link, value: str) -> str | None:
    """The mark that the value has if it was forgotten; None where nobody was ever forgotten."""
    key = meta.fact(link, _KEY)
    return None if key is None else _mark(key, value)


def _mark(key: str, value: str) -> str:
    return MARK + blake2b(value.encode("utf-8", "surrogatepass"), key=bytes.fromhex(key), digest_size=20).hexdigest()


def shown(value: str) -> str:
    """A text of the database as it is read."""
    return FORGOTTEN if value.startswith(MARK) else value


def marked_ids(link: Link, values: Iterable[str]) -> dict[str, int]:
    """The ids of those values, all new to the database, that were forgotten."""
    key = meta.fact(link, _KEY)
    if key is None:
        return {}
    marks = {_mark(key, value): value for value in values}
    return {
        marks[mark]: id_ for mark, id_ in bulk.select_in(link, "SELECT value, id FROM text WHERE value IN", (), marks)
    }


def without_forgotten(link: Link, dimensions: Dimensions) -> Dimensions:
    """Dimensions that are new to the database: those that come from the user lose a forgotten one."""
    names = meta.fact(link, _DIMENSIONS)
    if names is None:
        return dimensions
    for name in codec.strings_of(names):
        value = _value(dimensions, name)
        if value is not None and marked_ids(link, [value]):
            dimensions = _with(dimensions, name, FORGOTTEN)
    return dimensions


def _value(dimensions: Dimensions, name: str) -> str | None:
    if name in Dimensions._fields[:-1]:
        return str(getattr(dimensions, name))
    return dict(dimensions.extra).get(name)


def _with(dimensions: Dimensions, name: str, value: str) -> Dimensions:
    if name in Dimensions._fields[:-1]:
        place = Dimensions._fields.index(name)
        return Dimensions._make((*dimensions[:place], value, *dimensions[place + 1 :]))
    return dimensions._replace(extra=tuple((n, value if n == name else v) for n, v in dimensions.extra))


# ---------------------------------------------------------------- the person leaves


class Forgetting:
    """One forgetting, in steps; each may be taken again."""

    def __init__(self, link: Link, user: str, places: PersonPlaces) -> None:
        self._link = link
        self._user = user
        self._places = places
        self._json = codec.encode(user)
        self._dimensions = frozenset({"user", *places.dimensions})

    def replace_name(self) -> bool:
        """Texts, sets of dimensions, keys of cells and what is due, together: rows and cells say the same throughout.
        Whether anything was found, now or by an earlier forgetting."""
        link = self._link
        key = meta.fact(link, _KEY)
        if key is None:
            key = secrets.token_hex(32)
            meta.keep_fact(link, _KEY, key)
        mark = _mark(key, self._user)
        known = link.row("SELECT 1 FROM text WHERE value = ?", (mark,)) is not None
        if not known:
            known = link.run("UPDATE text SET value = ? WHERE value = ?", (mark, self._user)) > 0
        if known and self._places.dimensions:
            before = meta.fact(link, _DIMENSIONS)
            names = {*self._places.dimensions, *(codec.strings_of(before) if before else ())}
            meta.keep_fact(link, _DIMENSIONS, codec.encode(tuple(sorted(names))))
            self._replace_dimensions()
            self._replace_labels()
        self._replace_keys()
        self._replace_due()
        self._replace_held()
        self._replace_threads()
        self._replace_silences()
        self._replace_known()
        for view in self._places.formed_anew if known else ():
            link.run("UPDATE view SET built = 0 WHERE id = ?", (view,))
        return known

    def _replace_dimensions(self) -> None:
        """Sets of dimensions keep their number, so no row changes; two may then say the same, which does no harm."""
        link = self._link
        names = ", ".join(Dimensions._fields)
        for number, *fields, extra in link.rows(f"SELECT id, {names} FROM dims"):  # noqa: S608 our own names only
            before = after = Dimensions._make((*fields, codec.pairs_of(extra)))
            for name in self._places.dimensions:
                if _value(after, name) == self._user:
                    after = _with(after, name, FORGOTTEN)
            if after == before:
                continue
            digest = blake2b(codec.encode(after).encode(), digest_size=16).digest()
            if link.row("SELECT 1 FROM dims WHERE hash = ?", (digest,)) is not None:
                digest = secrets.token_bytes(16)
            settings = ", ".join(f"{name} = ?" for name in Dimensions._fields)
            values = (*after[:-1], codec.encode(after.extra), digest, number)
            link.run(f"UPDATE dims SET {settings}, hash = ? WHERE id = ?", values)  # noqa: S608 our own names only

    def _replace_labels(self) -> None:
        """Counters that carry a dimension from the user: two series of one label set are shown as one."""
        link = self._link
        places = [i for i, name in enumerate(meta.metric_choice(link).labels) if name in self._places.dimensions]
        for project, text, series in link.rows(
            "SELECT project, labels, series FROM metric_key WHERE kind = 'spend' AND instr(labels, ?) > 0",
            (self._json,),
        ):
            after = codec.encode(self._in_places(codec.strings_of(text), places))
            if after != text:
                where = "WHERE kind = 'spend' AND project = ? AND labels = ?"
                link.run(f"DELETE FROM metric_key {where}", (project, text))  # noqa: S608 no input in it
                link.run(
                    "INSERT INTO metric_key (kind, project, labels, series) VALUES ('spend', ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    (project, after, series),
                )
                link.run("UPDATE counter_series SET labels = ? WHERE id = ? AND overflow = 0", (after, series))

    def _replace_keys(self) -> None:
        """Keys of views split by user move to the key that says `forgotten`; a view that no rule needs any more is
        dropped."""
        link = self._link
        rows = link.rows("SELECT id, view, key FROM series_key WHERE instr(key, ?) > 0", (self._json,))
        for number, view, text in rows:
            places = self._places.views.get(view)
            if places is None:
                link.run("DELETE FROM series WHERE key IN (SELECT id FROM series_key WHERE view = ?)", (view,))
                link.run("DELETE FROM series_key WHERE view = ?", (view,))
                link.run("DELETE FROM view WHERE id = ?", (view,))
                continue
            after = codec.encode(self._in_places(codec.strings_of(text), places))
            if after != text:
                self._move_key(number, view, after)

    def _move_key(self, number: int, view: str, after: str) -> None:
        link = self._link
        target = link.row("SELECT id FROM series_key WHERE view = ? AND key = ?", (view, after))
        if target is None:
            link.run("UPDATE series_key SET key = ? WHERE id = ?", (after, number))
            return
        sums = ("cost_hi", "cost_lo", "tokens", "requests", "est_hi", "est_lo")
        added = ", ".join(f"{name} = series.{name} + excluded.{name}" for name in sums)
        link.run(
            f"INSERT INTO series (key, grain, bucket, {', '.join(sums)}) SELECT ?, grain, bucket, {', '.join(sums)}"  # noqa: S608 our own names only
            f" FROM series WHERE key = ? ON CONFLICT (key, grain, bucket) DO UPDATE SET {added}",
            (target[0], number),
        )
        link.run(
            "UPDATE series_key SET first_cell = (SELECT min(first_cell) FROM series_key WHERE id IN (?1, ?2)),"
            " last_cell = (SELECT max(last_cell) FROM series_key WHERE id IN (?1, ?2)) WHERE id = ?2",
            (number, target[0]),
        )
        link.run("DELETE FROM series WHERE key = ?", (number,))
        link.run("DELETE FROM series_key WHERE id = ?", (number,))

    def _replace_due(self) -> None:
        for rule, text, at_ms in self._link.rows(
            "SELECT rule, key, at_ms FROM due WHERE instr(key, ?) > 0", (self._json,)
        ):
            key = codec.strings_of(text)
            after = self._in_places(key, self._places.rules.get(rule, range(len(key))))
            if after != key:
                incidents.set_due(self._link, rule, key, None)
                incidents.set_due(self._link, rule, after, at_ms)

    def _replace_held(self) -> None:
        """Notices that wait: few, and told without the name."""
        for before in holding.held(self._link):
            after = replace(before, notice=self._notice(before.notice))
            if after != before:
                holding.drop(self._link, before.incident_id, before.destination)
                holding.put(self._link, after)

    def _replace_threads(self) -> None:
        """What receivers were told last, and where: later changes are told without the name."""
        link = self._link
        for number, message in link.rows(
            "SELECT number, message FROM thread WHERE instr(message, ?) > 0", (self._user_in_json,)
        ):
            now = self._message(codec.message_of(message))
            link.run("UPDATE thread SET message = ? WHERE number = ?", (codec.encode(now), number))
        for destination, id_, facts in link.rows(
            "SELECT destination, incident, facts FROM told WHERE instr(facts, ?) > 0", (self._user_in_json,)
        ):
            notice = self._notice(codec.notice_of(facts))
            again = notice.incident.id
            link.run("DELETE FROM told WHERE destination = ? AND incident = ?", (destination, id_))
            link.run(
                "INSERT INTO told (destination, incident, at_ms, facts) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (destination, again, notice.at_ms, codec.encode(notice)),
            )
            link.run(
                "INSERT INTO thread_incident (thread, incident, position) SELECT thread, ?, position"
                " FROM thread_incident WHERE incident = ? ON CONFLICT (thread, incident) DO NOTHING",
                (again, id_),
            )
            if again != id_:
                link.run("DELETE FROM thread_incident WHERE incident = ?", (id_,))

    def _replace_silences(self) -> None:
        for silence in silences.listed(self._link, None):
            matchers = tuple(
                replace(m, patterns=tuple(FORGOTTEN if p == self._user else p for p in m.patterns))
                for m in silence.matchers
            )
            comment = silence.comment.replace(self._user, FORGOTTEN)
            if (matchers, comment) != (silence.matchers, silence.comment):
                silences.rewrite(self._link, replace(silence, matchers=matchers, comment=comment))

    def _replace_known(self) -> None:
        for name in self._dimensions:
            if known.is_known(self._link, name, self._user):
                known.know(self._link, name, [FORGOTTEN])
                self._link.run("DELETE FROM known_value WHERE dimension = ? AND value = ?", (name, self._user))

    def redact_incidents(self, after: str) -> tuple[int, str | None]:
        """Some incidents behind the one with the id `after`: how many named the person, and the last looked at, None
        at the end. They go on as those of `forgotten`; where that has one of its own already, they go."""
        link, redacted = self._link, 0
        rows = link.rows(
            "SELECT id, CASE WHEN instr(facts, ?) > 0 THEN facts END FROM incident WHERE id > ? ORDER BY id LIMIT ?",
            (self._user_in_json, after, _AT_ONCE),
        )
        for id_, facts in rows:
            if facts is None:
                continue
            before = codec.incident_of(facts)
            now = self._incident(before)
            if now != before:
                redacted += 1
                link.run("DELETE FROM incident WHERE id = ?", (id_,))
                if incidents.latest(link, now.rule, now.key, now.period) is None:
                    incidents.put(link, now)
                    incidents.set_due(link, now.rule, now.key, now.changed_ms)
        return redacted, rows[-1][0] if len(rows) == _AT_ONCE else None

    def redact_deliveries(self, after: int) -> tuple[int, int | None]:
        """The same for messages; they stay in line, and are sent without the name."""
        link, redacted = self._link, 0
        rows = link.rows(
            "SELECT seq, CASE WHEN instr(message, ?1) > 0 OR instr(text, ?2) > 0 THEN message END, text FROM delivery"
            " WHERE seq > ?3 ORDER BY seq LIMIT ?4",
            (self._user_in_json, self._user, after, _AT_ONCE),
        )
        for seq, message, text in rows:
            if message is None:
                continue
            before = codec.message_of(message)
            now = self._message(before)
            if now != before:
                redacted += 1
                said = text.replace(self._user, FORGOTTEN)
                link.run("UPDATE delivery SET message = ?, text = ? WHERE seq = ?", (codec.encode(now), said, seq))
        return redacted, rows[-1][0] if len(rows) == _AT_ONCE else None

    @property
    def _user_in_json(self) -> str:
        """The name as it stands inside a JSON string, alone or in a longer one."""
        return self._json[1:-1]

    # ------------------------------------------------------------ values

    def _in_places(self, key: tuple[str, ...], places: Collection[int]) -> tuple[str, ...]:
        return tuple(FORGOTTEN if i in places and value == self._user else value for i, value in enumerate(key))

    def _incident(self, incident: Incident) -> Incident:
        """Where labels name the key's dimensions, only those that come from the user."""
        named = [i for i, (name, _) in enumerate(incident.labels) if name in self._dimensions]
        key = self._in_places(incident.key, named)
        labels = self._labels(incident.labels)
        if key == incident.key and labels == incident.labels:
            return incident
        again = stable_id(fingerprint(incident.rule, key, incident.period), str(incident.episode))
        return replace(
            incident, id=again, key=key, labels=labels, detail=incident.detail.replace(self._user, FORGOTTEN)
        )

    def _labels(self, labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple(
            (name, FORGOTTEN if name in self._dimensions and value == self._user else value) for name, value in labels
        )

    def _notice(self, notice: Notice) -> Notice:
        """Its links go with the name: they ask Langfuse for it."""
        why = notice.why
        if why is not None:
            why = replace(why, drivers=tuple(self._driver(driver) for driver in why.drivers))
        again = replace(
            notice,
            incident=self._incident(notice.incident),
            labels=self._labels(notice.labels),
            rows=self._labels(notice.rows),
            why=why,
        )
        named = again != notice or any(self._user in f"{unquote(unquote(k.url))} {k.wider}" for k in notice.links)
        return replace(again, links=()) if named else notice

    def _driver(self, driver: Driver) -> Driver:
        return Driver(self._part(driver.part), tuple(map(self._part, driver.under)))

    def _part(self, part: Part) -> Part:
        named = part.dimension in self._dimensions and part.value == self._user
        return replace(part, value=FORGOTTEN) if named else part

    def _message(self, message: Message) -> Message:
        gap = message.gap
        if gap is not None:
            near = tuple((rule, self._group(group), share) for rule, group, share in gap.near)
            gap = replace(gap, near=near)
        return replace(message, notices=tuple(map(self._notice, message.notices)), gap=gap)

    def _group(self, group: str) -> str:
        """``feature=a,user=b`` as people read it; a value may itself hold a comma."""
        for name in self._dimensions:
            whole = f"{name}={self._user}"
            for before, after in (("", ""), ("", ","), (",", ""), (",", ",")):
                if group == whole or (before + whole + after in group and _ends_fit(group, whole, before, after)):
                    group = group.replace(f"{before}{whole}{after}", f"{before}{name}={FORGOTTEN}{after}")
        return group


def _ends_fit(group: str, whole: str, before: str, after: str) -> bool:
    return (before == "," or group.startswith(whole)) and (after == "," or group.endswith(whole))


def traces(link: Link, user: str) -> Traces:
    """See `ports.ReadUnit.traces`."""
    inner = codec.encode(user)[1:-1]
    rows = "SELECT count(*) FROM generation WHERE person IN (SELECT id FROM text WHERE value IN (?, ?))"
    return Traces(
        link.row(rows, (user, mark_of(link, user)))[0],
        link.row("SELECT count(*) FROM incident WHERE instr(facts, ?) > 0", (inner,))[0],
        link.row("SELECT count(*) FROM delivery WHERE instr(message, ?) > 0", (inner,))[0],
    )
