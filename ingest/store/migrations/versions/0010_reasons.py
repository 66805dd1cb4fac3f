"""A feed's reason is a kind and arguments; a sentence of an older release becomes an argument."""

from alembic import op

revision = "0010"
down_revision = "0009"

_JSON = """'{"kind": "sentence", "arguments": {"text": "'
    || replace(replace(reason, '\\', '\\\\'), '"', '\\"') || '"}}'"""


def upgrade() -> None:
    """Rename the column of both tables, and keep every sentence in it."""
    for table in ("systems", "polls"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN text TO reason")
        op.execute(f"UPDATE {table} SET reason = {_JSON} WHERE reason <> ''")
