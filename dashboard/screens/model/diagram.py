"""The diagram of the model page, as HTML: a pipeline's stages with a box for each part."""

from __future__ import annotations

from markupsafe import Markup

from dashboard.components.html import tag, together
from dashboard.pipeline import Pipeline
from dashboard.screens.model.stages import PartBox, Times, stages
from dashboard.words import model as model_words


def diagram(found: Pipeline, times: Times) -> Markup:
    """Draw the pipeline, stage after stage."""
    drawn = (
        tag(
            "li",
            tag("h3", model_words.STAGES[name]),
            _notes(name, times),
            tag("ul", *map(_box, boxes)),
            cls=name,
        )
        for name, boxes in stages(found, times).items()
    )
    return tag(
        "section",
        tag("h2", model_words.MODEL_HEADING()),
        tag("p", model_words.MODEL_HINT(), cls="note"),
        tag("ol", *drawn, aria_label=model_words.MODEL_HEADING()),
        cls="pipeline",
    )


def _notes(stage: str, times: Times) -> Markup:
    """Write what a stage does, and how long it takes where that is measured."""
    notes = (model_words.STAGE_HINTS[stage], model_words.stage_times(stage, times))
    return together(*(tag("p", note, cls="note") for note in notes if note))


def _box(box: PartBox) -> Markup:
    kind = together(" ", tag("code", box.kind)) if box.kind else ""
    words = tag("p", box.words) if box.words else ""
    facts = tag("ul", *(tag("li", fact) for fact in box.facts if fact), cls="facts")
    return tag("li", tag("h4", box.title, kind), words, facts, cls="part")
