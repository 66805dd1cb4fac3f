"""Draws a chart in the viewer's language."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.charts import locale


def draw(chart: Any, *, alt: str, key: str | None = None, times: bool = False, **more: Any) -> None:
    """Draw a chart of Altair, described by `alt`; with `times` where an axis or a tip has days."""
    st.altair_chart(locale.spoken(chart, times=times), key=key, alt=alt, **more)
