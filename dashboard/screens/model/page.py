"""The model: its pipeline drawn from the running parts, and what it knows of a station."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha1
from html import escape
from pathlib import Path

import streamlit as st

from dashboard.charts import inner_charts
from dashboard.components import page_shell
from dashboard.components.downloads import offer
from dashboard.components.station_panel import numbers
from dashboard.pipeline import Pipeline
from dashboard.screens.model import pipeline_tables
from dashboard.state import address_bar
from dashboard.store_reader import View, reading
from dashboard.words import text
from ingest.system import System

STYLE = Path(__file__).parents[2] / "static" / "inner.css"
_UNREADABLE = "unreadable"


def page() -> None:
    system = page_shell.enter("model")
    if system is None:
        return
    st.html(STYLE)
    found = look(system)
    drawn = found if isinstance(found, str) else str(found and found.at)
    st.fragment(head, run_every=page_shell.often(system))(system, drawn)
    if not isinstance(found, Pipeline):
        return
    st.html(diagram(found, took(system)))
    offer(pipeline_tables.parts(found), f"dockcast-{system.system_id}-parts", text.PARTS_TABLE)
    station(system, found)


def look(system: System) -> Pipeline | str | None:
    """Look into the city's forecaster: None where nothing is written down yet, a word if it is unreadable."""
    try:
        return reading().pipeline(system.system_id)
    except LookupError:
        return _UNREADABLE


def took(system: System) -> Mapping[str, tuple[float, float]]:
    """Give what polls of the last day took: see `ingest.health`."""
    source = reading()
    return source.health([*source.glance()]).times.get(system.system_id, {})


def head(system: System, drawn: str) -> None:
    """Say how old the picture is and how the model is doing. Runs again by itself.

    `drawn` is what the rest of the page shows: something newer is a matter for all of it.
    """
    source = reading()
    view, found = source.view(system), look(system)
    if drawn != (found if isinstance(found, str) else str(found and found.at)):
        st.rerun()
    if found is None:
        page_shell.notice(text.NO_CHECKPOINT, text.NO_CHECKPOINT_HINT if source.working() else text.NO_WORKER)
    elif isinstance(found, str):
        page_shell.notice(
            text.BAD_CHECKPOINT, text.BAD_CHECKPOINT_HINT if source.working() else text.NO_WORKER
        )
    else:
        st.html(f'<section class="state">{numbers(standing(view, found, took(system)))}</section>')
        if found.age < timedelta(days=1):
            st.html(f'<p class="note">{text.FIRST_DAY}</p>')


def standing(view: View, found: Pipeline, times: Mapping[str, tuple[float, float]]) -> dict[str, str]:
    """Say in numbers how the model is doing."""
    now = max(view.now, found.at)
    at = text.moment(found.at, now, view.zone)
    return {
        text.LEARNING: text.duration(now - found.learning_since),
        text.CHECKPOINT: f"{at}, {text.ago(now - found.at)} · {found.size / 1e6:.1f} MB",
        text.LEARN_TIME: text.both_times(times.get("learn_seconds")),
        text.FORECAST_TIME: text.both_times(times.get("forecast_seconds")),
        text.WAITING_TRUTH: f"{sum(found.waiting.values()):,}",
    }


# ---------------------------------------------------------------- the pipeline


def diagram(found: Pipeline, times: Mapping[str, tuple[float, float]]) -> str:
    """Draw the pipeline, stage after stage. Our own words and numbers alone, so HTML is safe here."""
    drawn = "".join(
        f'<li class="{name}"><h3>{text.STAGES[name]}</h3>{_notes(name, times)}<ul>{"".join(boxes)}</ul></li>'
        for name, boxes in pipeline_tables.stages(found, times, box)
    )
    return (
        f'<section class="pipeline"><h2>{text.MODEL_HEADING}</h2><p class="note">{text.MODEL_HINT}</p>'
        f'<ol aria-label="{text.MODEL_HEADING}">{drawn}</ol></section>'
    )


def _notes(stage: str, times: Mapping[str, tuple[float, float]]) -> str:
    """Say what a stage is, and how long it takes where that is measured."""
    notes = [text.STAGE_HINTS[stage]]
    if stage in text.STAGE_TIMES:
        measured, words = text.STAGE_TIMES[stage]
        notes.append(words.format(text.both_times(times.get(measured))))
    return "".join(f'<p class="note">{escape(note)}</p>' for note in notes)


def box(title: str, kind: str, words: str, facts: Iterable[str]) -> str:
    """Draw one part."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in facts if line)
    named = f" <code>{escape(kind)}</code>" if kind else ""
    said = f"<p>{escape(words)}</p>" if words else ""
    return f'<li class="part"><h4>{escape(title)}{named}</h4>{said}<ul class="facts">{lines}</ul></li>'


# ---------------------------------------------------------------- a station


def station(system: System, found: Pipeline) -> None:
    """Show what the model has learnt of a station, or of all of them."""
    index = choose(found)
    dark = st.context.theme.type == "dark"
    name = text.ALL_STATIONS if index is None else str(found.name[index])
    key = f"dockcast-{system.system_id}-{'all' if index is None else found.station_id[index]}"
    st.html(f'<h2 class="station-name">{escape(text.rates_title(name))}</h2>')
    st.html(f'<p class="note">{escape(pipeline_tables.evidence(found, index))}</p>')
    rates = pipeline_tables.rates(found, index)
    top = max(float(rates["rate"].max()) * 1.05, 0.1)
    for column, kind in zip(st.columns(2), text.DAY_KINDS, strict=True):
        with column:
            st.html(f'<h3 class="chart">{kind}</h3>')
            st.altair_chart(
                inner_charts.rates(rates[rates["days"] == kind], top, dark),
                width="stretch",
                alt=text.RATES_ALT,
            )
    offer(rates.drop(columns="said"), f"{key}-rates", text.RATES_TABLE)
    st.html(f'<h2 class="station-name">{text.WEIGHTS}</h2>')
    st.html(f'<p class="note">{escape(pipeline_tables.trust(found, index))}</p>')
    weights = pipeline_tables.weights(found, index)
    models = [competitor.name for competitor in found.competitors]
    st.html(inner_charts.key(inner_charts.model_colours(models, dark)))
    st.altair_chart(inner_charts.weights(weights, models, dark), width="stretch", alt=text.WEIGHTS_ALT)
    offer(weights[["minutes", "expert", "weight"]], f"{key}-weights", text.WEIGHTS_TABLE)


def choose(found: Pipeline) -> int | None:
    """Ask for a station; None for all. Streamlit knows a choice by its label, so all are different."""
    ids, names = found.station_id.tolist(), found.name.tolist()
    order = sorted(range(len(ids)), key=lambda index: names[index].casefold())
    labels = {"": text.ALL_STATIONS}
    for index in order:
        label = names[index]
        labels[ids[index]] = label if label not in labels.values() else f"{label} · {ids[index]}"
    current = address_bar.screen().station
    options = list(labels)
    key = "station-" + sha1(repr((found.at, current)).encode()).hexdigest()[:12]
    st.selectbox(
        text.STATION, options, index=options.index(current) if current in labels else 0,
        format_func=labels.__getitem__, key=key,
        on_change=lambda: address_bar.change(station=st.session_state[key]),
    )  # fmt: skip
    return ids.index(current) if current in ids else None


if __name__ == "__main__":
    page()
