"""The numbers behind a chart: as rows, as CSV, as Parquet."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pandas as pd
from streamlit.testing.v1 import AppTest

from ingest.store.export import csv, parquet

TABLE = pd.DataFrame({"at": [datetime(2026, 3, 2, 12, tzinfo=UTC)], "station": ['Quay, "1"'], "error": [0.1]})


def offering() -> None:
    import pandas as pd
    import streamlit as st

    from dashboard.components.downloads import offer

    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    offer(pd.DataFrame({"minutes": [30], "error": [0.5]}), "errors", "errors")


def test_closed_it_sends_nothing_but_its_label() -> None:
    page = AppTest.from_function(offering).run()
    assert [box.label for box in page.expander] == ["The numbers: errors"]
    assert not page.dataframe
    assert not page.get("download_button")


def test_opened_it_shows_the_rows_and_offers_both_files() -> None:
    page = AppTest.from_function(offering)
    page.session_state["numbers-errors"] = True
    page.run()
    assert page.dataframe[0].value.to_dict("list") == {"minutes": [30], "error": [0.5]}
    assert [button.proto.label for button in page.get("download_button")] == [
        "Download CSV",
        "Download Parquet",
    ]
    assert not page.exception


def test_an_opened_file_is_there_at_the_click_though_the_page_renews_itself() -> None:
    page = AppTest.from_function(offering)
    page.session_state["numbers-errors"] = True
    first, second = ([button.proto for button in page.run().get("download_button")] for _ in range(2))
    assert [button.url for button in first] == [button.url for button in second]
    assert all(button.url and not button.deferred_file_id for button in first)


def test_both_files_hold_the_same_as_the_table() -> None:
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(parquet(TABLE))), TABLE)
    read = pd.read_csv(io.BytesIO(csv(TABLE)), parse_dates=["at"])
    assert read.to_dict("records") == TABLE.to_dict("records")
