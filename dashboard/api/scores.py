"""The API's answers about scores, and about findings, drifts and outages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dashboard.api.answers import CSV, FORMATS, JSON, PARQUET, ApiError, Body, dumps, json_body, kept
from dashboard.api.openapi import COUNT, FLAG, NUMBER, TEXT, TIME, Schema, described, listed, maybe, record
from dashboard.api.parameters import Moment, OneOf, Parameter, Several, Text
from dashboard.api.systems import LABEL, SYSTEM_ID, find, iso
from dashboard.store_reader import StoreReader, reader
from dashboard.words.findings import by_harm, done_about, example, finding
from ingest.store import DAY, FIVE_MINUTES, HOUR, Oddity, measured
from ingest.store.export import csv, parquet
from ingest.system import System
from model.experts.registry import EXPERTS
from model.records import ANY, KINDS
from model.scoring.issue import SCORED_MINUTES
from model.scoring.measures import MEASURES

if TYPE_CHECKING:
    import pandas as pd

SPANS = {"5min": FIVE_MINUTES, "hour": HOUR, "day": DAY}

_USUAL = {"5min": timedelta(days=1), "hour": timedelta(days=7), "day": timedelta(days=400)}
"""How far back the scores of a span go where the request names no beginning."""

_MOST = {"5min": timedelta(days=8), "hour": timedelta(days=400), "day": timedelta(days=3660)}
"""The longest time for which a span has scores."""

MOST_ROWS = 120_000
"""A year of hours, one horizon, all models: 20 MB of JSON."""

_MODELS = len(EXPERTS) + 4
"""Models to expect where the request names none: all of today, and two of an earlier release."""

ONE_SYSTEM = Parameter(
    "system", SYSTEM_ID, "One system alone; without it, all that are followed.", example="dublin"
)
SINCE = Parameter("since", Moment(), "From when on, by the feed's clock.")
SCORES_PARAMETERS = (
    ONE_SYSTEM,
    Parameter(
        "minutes", Several(OneOf(SCORED_MINUTES), len(SCORED_MINUTES)),
        "Horizons, in minutes ahead; without it, all.", [30],
    ),
    Parameter(
        "models", Several(Text(r"[A-Za-z0-9_.+-]{1,40}", "a model's name of up to 40 characters"), 20),
        "Models: *naive* says that nothing changes, *pool* is what people see, *seed* the River pipeline; "
        "without it, all.", ["pool", "naive"],
    ),
    Parameter("kind", OneOf((ANY, *KINDS)), "Which bikes were forecast: any, or those of one kind, where a "
              "feed tells kinds apart. Kinds are scored at 15, 30, 60 and 120 minutes.", ANY),
    Parameter("span", OneOf([*SPANS]), "What a row sums up; an hour, where not given. Five minutes are kept "
              "for 8 days, hours for 400, days for good.", "hour"),
    Parameter("since", Moment(), "From which target time on: without it a day, a week or 400 days back, by "
              "`span`, from the newest counts."),
    Parameter("until", Moment(), "To before which target time."),
    Parameter("format", OneOf([*FORMATS]), "As what, whatever is accepted: JSON, CSV or Parquet.", "json"),
)  # fmt: skip

_MEASURE = maybe(NUMBER)
SCORES_SCHEMA = record(
    "Scores",
    span={"type": "string", "enum": [*SPANS]},
    kind=described({"type": "string", "enum": [ANY, *KINDS]}, "Which bikes were forecast."),
    systems=listed(record(system_id=TEXT, label=LABEL), "The systems that are summed up."),
    scores=listed(
        record(
            "Score",
            at=described(TIME, "The beginning of the span that the forecasts' target times lie in."),
            model=TEXT,
            minutes={"type": "integer", "enum": list(SCORED_MINUTES)},
            n=described(COUNT, "Forecasts judged: one is of one station at one time."),
            n_dock=described(COUNT, "Those of them whose free docks are known as well."),
            expired=described(COUNT, "Forecasts whose truth never came: not judged."),
            mae=described(_MEASURE, "Mean absolute error of the median, in bikes."),
            rmse=described(_MEASURE, "Root mean squared error of the mean, in bikes."),
            crps=described(_MEASURE, "Continuous ranked probability score, in bikes."),
            brier_bike=described(_MEASURE, "Brier score of at least one bike."),
            brier_dock=described(
                _MEASURE, "Brier score of at least one free dock. Null where bikes of one kind were forecast."
            ),
            cover80=described(_MEASURE, "Share of truths within the 80 % interval: 0.8 is right."),
        )
    ),
)
TABLE: dict[str, Schema] = {
    CSV: described(TEXT, "A row a score, with the columns system_id (empty for all), label, at and so on."),
    PARQUET: {"type": "string", "format": "binary"},
}


def scores(
    media_type: str,
    system: str | None,
    minutes: Sequence[int] | None,
    models: Sequence[str] | None,
    kind: str | None,
    span: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Body:
    """Give scores over time, of one system or of all together."""
    source, span, kind = reader(), span or "hour", kind or ANY
    followed = _asked(source, system)
    ids = source.store.scores.summed_up() if system is None else [system]
    summed = [row for row in followed if row.system_id in ids]
    since = since or _beginning(source, summed, _USUAL[span], until)
    if since is not None and until is not None and since >= until:
        raise ApiError(
            "bad_stretch",
            "since is not before until.",
            "Give an earlier since, or leave one of them out.",
        )
    if since is not None:
        _measure_up(span, since, until or _newest(source, summed), minutes, models)
    states = source.overview()
    versions = tuple(states[row.system_id][1].frame_version for row in summed)
    chosen = (system, minutes, models, kind, span, since, until)
    return _scores(source, tuple(summed), versions, media_type, *chosen)


# Scores change when a system has answered. Until then equal requests share one answer.
@kept(32)
def _scores(
    source: StoreReader, summed: tuple[System, ...], versions: tuple[int | None, ...], media_type: str,
    system: str | None, minutes: Sequence[int] | None, models: Sequence[str] | None, kind: str, span: str,
    since: datetime | None, until: datetime | None,
) -> Body:  # fmt: skip
    import pandas as pd

    sums = source.store.scores.over_time(
        system, SPANS[span], kind=kind, minutes=minutes, models=models, since=since, until=until
    )
    counts = sums[["n", "n_dock", "expired"]].astype("int64")
    table = pd.concat([sums[["at", "model", "minutes"]], counts, measured(sums)[list(MEASURES)]], axis=1)
    if media_type == JSON:
        return _json(table, kind, span, summed)
    labels = sorted({row.label for row in summed if row.label})
    table.insert(0, "kind", kind)
    table.insert(0, "label", " and ".join(labels))
    table.insert(0, "system_id", system or "")
    of_kind = [] if kind == ANY else [kind]
    name = "-".join(["scores", system or "all", *labels, *of_kind, span])
    write, ending = (csv, "csv") if media_type == CSV else (parquet, "parquet")
    attached = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return Body(write(table), media_type, headers=attached)


def _asked(source: StoreReader, system: str | None) -> list[System]:
    if system is not None:
        return [find(source, system)[0]]
    return [row for row, _ in source.overview().values()]


def _newest(source: StoreReader, summed: Sequence[System]) -> datetime | None:
    states = source.overview()
    return max((at for row in summed if (at := states[row.system_id][1].at) is not None), default=None)


def _beginning(
    source: StoreReader, summed: Sequence[System], usual: timedelta, until: datetime | None
) -> datetime | None:
    end = until or _newest(source, summed)
    try:
        return None if end is None else end - usual
    except OverflowError:
        raise ApiError("bad_stretch", f"Nothing was before {iso(end)}.", "Give a later until.") from None


def _measure_up(
    span: str,
    since: datetime,
    until: datetime | None,
    minutes: Sequence[int] | None,
    models: Sequence[str] | None,
) -> None:
    """Refuse a request for too long an answer, before reading the store."""
    stretch = _MOST[span] if until is None else min(max(until - since, timedelta(0)), _MOST[span])
    times = int(stretch.total_seconds()) // SPANS[span] + 1
    rows = times * len(minutes or SCORED_MINUTES) * (len(models) if models else _MODELS)
    if rows > MOST_ROWS:
        raise ApiError(
            "too_many_rows",
            f"That may be {rows:,} rows; at most {MOST_ROWS:,} are given at once.",
            "Name minutes or models, ask for a shorter stretch by since and until, or for a longer span.",
        )


def _json(table: pd.DataFrame, kind: str, span: str, summed: Sequence[System]) -> Body:
    head = dumps(
        {
            "span": span,
            "kind": kind,
            "systems": [{"system_id": row.system_id, "label": row.label or None} for row in summed],
        }
    )
    rows = table.to_json(orient="records", date_format="iso", date_unit="s", double_precision=6)
    return Body(f'{head[:-1]},"scores":{rows}}}'.encode())


# ---------------------------------------------------------------- findings, drifts and outages

FINDINGS_SCHEMA = record(
    "Findings",
    systems=listed(
        record(
            "SystemFindings",
            system_id=TEXT,
            label=LABEL,
            findings=listed(
                record(
                    "Finding",
                    kind=described(TEXT, "What is odd in the feed's answers, as a word."),
                    means=described(TEXT, "The same for people."),
                    done=described(TEXT, "What Dockcast does about it, or assumes instead, for people."),
                    since=described(TIME, "Since when each answer has had it, by the wall clock."),
                    last_at=described(TIME, "When the newest answer came that had it."),
                    now=described(FLAG, "Whether the feed's newest answer has it."),
                    polls_today=described(COUNT, "How many polls of the city's present day had it."),
                    cases_today=described(COUNT, "How often it occurred in these polls together."),
                    count=described(COUNT, "How often, in the last poll that had it."),
                    example=described(
                        TEXT, "One case: what the feed said, so escape it before it goes into HTML."
                    ),
                )
            ),
        )
    ),
)
_BEFALLEN: dict[str, Schema] = {"system_id": TEXT, "label": LABEL}
DRIFTS_SCHEMA = record(
    "Drifts",
    **_BEFALLEN,
    drifts=listed(
        record(
            "Drift",
            at=described(TIME, "When it was noticed."),
            minutes=described(COUNT, "At which horizon."),
            before=described(NUMBER, "The loss's mean distance from the usual, as a share of naive's error."),
            after=NUMBER,
            worse=described(FLAG, "Whether the forecasts have become worse."),
        )
    ),
)
OUTAGES_SCHEMA = record(
    "Outages",
    **_BEFALLEN,
    outages=listed(
        record(
            "Outage",
            start=described(TIME, "The last counts before, by the feed's clock."),
            end=described(TIME, "The first counts after."),
            minutes=COUNT,
        )
    ),
)


def findings(system: str | None) -> Body:
    """List what is odd in the feeds' answers, or was in the last day: what harms a rider most first."""
    source = reader()
    rows = _asked(source, system)
    odd = source.store.findings.oddities([row.system_id for row in rows], source.clock())
    found = [
        {
            "system_id": row.system_id,
            "label": row.label or None,
            "findings": [_finding(each) for each in by_harm(odd[row.system_id])],
        }
        for row in rows
    ]
    return json_body({"systems": found})


def _finding(odd: Oddity) -> dict[str, Any]:
    found = odd.finding
    return {
        "kind": found.kind,
        "means": finding(found.kind),
        "done": done_about(found.kind),
        "since": iso(odd.since),
        "last_at": iso(odd.last_at),
        "now": not odd.gone,
        "polls_today": odd.polls,
        "cases_today": odd.cases,
        "count": found.count,
        "example": example(found.example),
    }


def drifts(system_id: str, since: datetime | None) -> Body:
    """List when a system's forecasts changed against "no change", as ADWIN noticed it."""
    source = reader()
    row = find(source, system_id)[0]
    found = [
        {"at": iso(drift.at), "minutes": drift.minutes, "before": drift.before, "after": drift.after,
         "worse": drift.after > drift.before}
        for drift in source.store.scores.drifts(system_id, since)
    ]  # fmt: skip
    return json_body({"system_id": system_id, "label": row.label or None, "drifts": found})


def outages(system_id: str, since: datetime | None) -> Body:
    """List when a system's feed was down for so long that nothing was scored."""
    source = reader()
    row = find(source, system_id)[0]
    found = [
        {"start": iso(outage.start), "end": iso(outage.end),
         "minutes": int((outage.end - outage.start) / timedelta(minutes=1))}
        for outage in source.store.scores.outages(system_id, since)
    ]  # fmt: skip
    return json_body({"system_id": system_id, "label": row.label or None, "outages": found})
