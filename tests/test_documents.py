"""Checks that documents and code agree: links, paths, rooms, terms and classes."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

from tests.test_rooms import LADDER, ROOT, SOURCES

DOCUMENTS = [
    path
    for pattern in ("*.md", "docs/*.md", "deploy/*.md", "benchmarks/**/*.md", "tests/**/*.md")
    for path in sorted(ROOT.glob(pattern))
]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TOP_FOLDERS = "model|ingest|dashboard|tests|benchmarks|docs"


def rows(text: str) -> list[list[str]]:
    """Read the cells of every table row, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def broken(document: Path, text: str) -> list[str]:
    """List what a document's text points to and is not there: links, pictures, paths and modules."""
    links = re.findall(r'\]\(([^)#\s]+)|src="([^"]+)"', text)
    near = [link or picture for link, picture in links if not (link or picture).startswith("http")]
    missing = [link for link in near if not (document.parent / link).exists()]
    paths = re.findall(rf"`((?:{TOP_FOLDERS})/[\w/.-]*)`", text)
    named = [path for path in paths if not re.search("NAME|LANGUAGE", path)]  # these stand for any name
    missing += [path for path in named if not (ROOT / path).exists()]
    modules = re.findall(r"`((?:model|ingest|dashboard)(?:\.[a-z_]+)+)(?:\.[A-Z]\w*)?`", text)
    return missing + [name for name in modules if name not in SOURCES]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_points_only_to_what_is_there(document: Path) -> None:
    assert broken(document, document.read_text(encoding="utf-8")) == []


def test_the_search_for_broken_links_can_fail() -> None:
    for text in ("[x](no.md)", '<img src="no.png">', "`model/no.py`", "`ingest.no.thing`"):
        assert broken(ROOT / "README.md", text), text


def test_every_command_for_operators_is_run_by_the_drill_or_marked() -> None:
    """The drill fails where one was left; this finds a new one that nobody has told it of."""
    drill = runpy.run_path(str(ROOT / "benchmarks" / "drills" / "operator" / "documents.py"))
    script = (ROOT / "benchmarks" / "drills" / "operator" / "run.py").read_text(encoding="utf-8")
    begun = re.findall(r"""\.do\(\s*f?(?:"([^"]+)"|'([^']+)')""", script)
    beginnings = [(one or other).partition("{")[0] for one, other in begun]
    assert len(beginnings) > 30
    known = drill["commands"]()
    assert [
        each for each in known if not each.startswith(tuple(beginnings)) and not drill["marked"](each)
    ] == []
    assert [each for each in beginnings if not any(command.startswith(each) for command in known)] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("floor", LADDER)
def test_the_architecture_names_the_rooms_of_a_floor_in_their_order(floor: str) -> None:
    table = ARCHITECTURE.partition(f"**`{floor}/`**")[2].partition("**`")[0].partition("\n## ")[0]
    assert [row[0].strip("`") for row in rows(table) if row[0] != "room"] == [*LADDER[floor]]


def test_the_glossary_has_each_term_once_and_names_classes_that_exist() -> None:
    entries = [row for row in rows(GLOSSARY) if row[0] != "term"]
    terms = [row[0] for row in entries]
    assert len(terms) > 60
    assert len(set(terms)) == len(terms)
    classes = {
        node.name
        for path in SOURCES.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    missing = {name for row in entries for name in re.findall(r"`(\w+)`", row[2])} - classes
    assert not missing, f"docs/glossary.md names classes that do not exist: {missing}"
