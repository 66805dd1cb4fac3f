"""The language of this viewer's session.

That of the address (`lang`) counts, or else the choice that the browser keeps in a cookie, or else what the
browser asks for. The address of a page holds a language only where one was opened with it: so a link that
somebody shares says `lang` only where the sharer's own address did, and else speaks the reader's language.
"""

from __future__ import annotations

import streamlit as st

from dashboard.words import languages
from dashboard.words.catalogue import OF_SESSION


def adopt() -> None:
    """Take over the viewer's language. Call it in runs of the whole script, before anything is written."""
    asks = (st.context.locale, *languages.accepted(st.context.headers.get("Accept-Language") or ""))
    kept = st.context.cookies.get(languages.COOKIE)
    st.session_state[OF_SESSION] = languages.chosen(st.query_params.get("lang"), kept, asks)
