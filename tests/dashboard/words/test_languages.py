"""Who gets which language: what is asked for and offered, in every way that browsers write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.words import catalogue, languages
from tests.support import pseudo


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fr", "nb", "pt_BR"):
        pseudo.made(tmp_path, name, str.upper)
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("fr", "fr"), ("fr-CA", "fr"), ("FR_fr", "fr"), ("nb", "nb"), ("nb-NO", "nb"), ("no", "nb"),
        ("nn-NO", "nb"), ("pt", "pt-BR"), ("pt-PT", "pt-BR"), ("pt_br", "pt-BR"), ("en-GB", "en"),
        ("en", "en"), ("sv", ""), ("", ""), ("f", ""), ("../fr", ""), ("x" * 5000, ""),
        ("fr" + "-x" * 5000, "fr"), ("\0fr", ""),
    ],
)  # fmt: skip
def test_the_nearest_language_is_found(offered: None, wanted: str, code: str) -> None:
    assert languages.match(wanted) == code


@pytest.mark.parametrize(
    ("address", "kept", "browser", "code"),
    [
        ("fr", "nb", "pt-BR", "fr"),
        (None, "nb", "pt-BR", "nb"),
        (None, None, "pt-PT, fr;q=0.5", "pt-BR"),
        (None, None, "sv, fr;q=0.5, en;q=0.9", "en"),
        (None, None, "sv, en;q=0.5, fr;q=0.9", "fr"),
        ("en", "fr", "fr", "en"),
        ("sv", None, "fr", "fr"),
        ("", "<script>", "", "en"),
        (None, None, None, "en"),
        (None, None, ";;q=x,,fr;q=nan,nb;q=0.1", "nb"),
    ],
)
def test_the_address_counts_before_the_kept_choice_and_that_before_the_browser(
    offered: None, address: str | None, kept: str | None, browser: str | None, code: str
) -> None:
    assert languages.chosen(address, kept, languages.accepted(browser or "")).code == code


def test_languages_are_offered_by_their_own_names(offered: None) -> None:
    found = languages.offered(catalogue.FOLDER)
    assert [languages.own_name(locale) for locale in found.values()] == [
        "English", "Français", "Norsk bokmål", "Português (Brasil)",
    ]  # fmt: skip
    assert list(found) == ["en", "fr", "nb", "pt-BR"]
