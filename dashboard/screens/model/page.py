"""The model: its pipeline drawn from the running parts, and what it knows of a station."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha1

import streamlit as st

from dashboard.charts import model as charts
from dashboard.components import charting, legend, page_shell
from dashboard.components.downloads import offer
from dashboard.components.html import show, stylesheet, tag
from dashboard.components.station_panel import numbers
from dashboard.pipeline import Pipeline
from dashboard.screens.model import tables
from dashboard.screens.model.diagram import diagram
from dashboard.screens.model.stages import Times
from dashboard.state import address_bar
from dashboard.store_reader import View, reader
from dashboard.words import formats
from dashboard.words import model as model_words
from ingest.system import System

_UNREADABLE = "unreadable"


def page() -> None:
    system = page_shell.enter("model")
    if system is None:
        return
    stylesheet("model.css")
    found = look(system)
    drawn = found if isinstance(found, str) else str(found and found.at)
    st.fragment(head, run_every=page_shell.often(system))(system, drawn)
    if not isinstance(found, Pipeline):
        return
    show(diagram(found, durations(system)))
    offer(tables.parts(found), f"dockcast-{system.system_id}-parts", model_words.PARTS_TABLE())
    station(system, found)


def look(system: System) -> Pipeline | str | None:
    """Read the city's forecaster: None where there is no checkpoint yet, `_UNREADABLE` for a bad one."""
    try:
        return reader().pipeline(system.system_id)
    except LookupError:
        return _UNREADABLE


def durations(system: System) -> Times:
    """Give the durations of polls of the last day: see `Health.times`."""
    source = reader()
    return source.health([*source.overview()]).times.get(system.system_id, {})


def head(system: System, drawn: str) -> None:
    """Show the age of the checkpoint and the numbers of the model. Runs again by itself.

    `drawn` is what the rest of the page shows: something newer is a matter for all of it.
    """
    source = reader()
    view, found = source.view(system), look(system)
    if drawn != (found if isinstance(found, str) else str(found and found.at)):
        st.rerun()
    if found is None:
        page_shell.notice(
            model_words.NO_CHECKPOINT(),
            page_shell.no_worker(source) or model_words.NO_CHECKPOINT_HINT(),
        )
    elif isinstance(found, str):
        page_shell.notice(
            model_words.BAD_CHECKPOINT(),
            page_shell.no_worker(source) or model_words.BAD_CHECKPOINT_HINT(),
        )
    else:
        show(tag("section", numbers(standing(view, found, durations(system))), cls="state"))
        if found.age < timedelta(days=1):
            show(tag("p", model_words.FIRST_DAY(), cls="note"))


def standing(view: View, found: Pipeline, times: Times) -> dict[str, str]:
    """Give the numbers of the model by name."""
    now = max(view.now, found.at)
    at = formats.moment(found.at, now, view.zone)
    return {
        model_words.LEARNING(): formats.duration(now - found.learning_since),
        model_words.CHECKPOINT(): model_words.checkpoint(at, now - found.at, found.size),
        model_words.LEARN_TIME(): formats.both_times(times.get("learn_seconds")),
        model_words.FORECAST_TIME(): formats.both_times(times.get("forecast_seconds")),
        model_words.WAITING_TRUTH(): formats.number(sum(found.waiting.values())),
    }


def station(system: System, found: Pipeline) -> None:
    """Show what the model has learnt of a station, or of all of them."""
    index = choose(found)
    dark = st.context.theme.type == "dark"
    name = model_words.ALL_STATIONS() if index is None else str(found.name[index])
    key = f"dockcast-{system.system_id}-{'all' if index is None else found.station_id[index]}"
    show(tag("h2", model_words.rates_title(name), cls="station-name"))
    show(tag("p", tables.evidence(found, index), cls="note"))
    rates = tables.rates(found, index)
    top = max(float(rates["rate"].max()) * 1.05, 0.1)
    for column, kind in zip(st.columns(2), model_words.DAY_KINDS.values(), strict=True):
        with column:
            show(tag("h3", kind, cls="chart"))
            charting.draw(
                charts.rates(rates[rates["days"] == kind], top, dark),
                width="stretch",
                alt=model_words.RATES_ALT(),
            )
    offer(rates.drop(columns="tip"), f"{key}-rates", model_words.RATES_TABLE())
    show(tag("h2", model_words.WEIGHTS(), cls="station-name"))
    show(tag("p", tables.trust(found, index), cls="note"))
    weights = tables.weights(found, index)
    models = [competitor.name for competitor in found.competitors]
    show(legend.chart_key(charts.model_colours(models, dark)))
    charting.draw(charts.weights(weights, models, dark), width="stretch", alt=model_words.WEIGHTS_ALT())
    offer(weights[["minutes", "expert", "weight"]], f"{key}-weights", model_words.WEIGHTS_TABLE())


def choose(found: Pipeline) -> int | None:
    """Ask for a station; None for all. Streamlit knows a choice by its label, so all are different."""
    ids, names = found.station_id.tolist(), found.name.tolist()
    order = sorted(range(len(ids)), key=lambda index: names[index].casefold())
    labels = {"": model_words.ALL_STATIONS()}
    for index in order:
        label = names[index]
        labels[ids[index]] = label if label not in labels.values() else f"{label} · {ids[index]}"
    current = address_bar.screen().station
    options = list(labels)
    key = "station-" + sha1(repr((found.at, current)).encode()).hexdigest()[:12]
    st.selectbox(
        model_words.STATION(), options, index=options.index(current) if current in labels else 0,
        format_func=labels.__getitem__, key=key,
        on_change=lambda: address_bar.change(station=st.session_state[key]),
    )  # fmt: skip
    return ids.index(current) if current in ids else None


if __name__ == "__main__":
    page()
