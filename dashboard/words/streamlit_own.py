"""What Streamlit says by itself, in English alone. `static/browser.js` puts ours in its place."""

from __future__ import annotations

from dashboard.words.catalogue import mark

_OWN = (
    mark("Skip to main content", "Streamlit"),
    mark("No results", "Streamlit"),
    mark("Choose an option", "Streamlit"),
    mark("Open", "Streamlit"),
    mark("Close", "Streamlit"),
    mark("Dismiss", "Streamlit"),
    mark("Connection error", "Streamlit"),
    mark("Streamlit server is not responding. Are you connected to the internet?", "Streamlit"),
    mark("Page not found", "Streamlit"),
    mark(
        "The page that you have requested does not seem to exist. Running the app's main page.", "Streamlit"
    ),
)
"""Each is to the letter what Streamlit writes. A translation need not name Streamlit: nobody knows it."""


def streamlit_own() -> dict[str, str]:
    """Give what stands for Streamlit's words; nothing in English."""
    return {each.words: each() for each in _OWN if each() != each.words}
