"""Offers the numbers behind a chart, to people who cannot see it and to people who calculate with them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.words import formats
from dashboard.words import shell as shell_words
from ingest.store.export import csv, parquet


def offer(table: pd.DataFrame, name: str, of: str = "", file: str = "") -> None:
    """Offer a table below its chart: as rows once it is opened, as CSV and as Parquet.

    `table` has the names of its columns in words, or in stable keys where a program reads the file. `name`
    must be unique on the page and the same at every run. It names the files, unless `file` does, which may
    change with what is shown. `of` describes the numbers, in our own words alone, since Streamlit reads them
    as Markdown. Closed, the table costs a label. Open, the buttons come first: a table grows while it loads,
    and would move them from under a finger.
    Both files are made at every run: Streamlit forgets a file that is to be made at the click when the
    page renews itself, and a click at that moment would get nothing.
    """
    box = st.expander(shell_words.numbers_of(of), key=f"numbers-{name}", on_change="rerun")
    if not box.open:
        return
    with box:
        with st.container(horizontal=True):
            for label, ending, mime, write in (
                (shell_words.AS_CSV(), "csv", "text/csv", csv),
                (shell_words.AS_PARQUET(), "parquet", "application/vnd.apache.parquet", parquet),
            ):
                st.download_button(
                    label, write(table), f"{file or name}.{ending}", mime,
                    key=f"{ending}-{name}", on_click="ignore",
                )  # fmt: skip
        st.dataframe(table, hide_index=True, placeholder=formats.count(-1), alt=shell_words.numbers_of(of))
