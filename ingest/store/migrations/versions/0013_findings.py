"""What is odd in each feed: since when, and how often today."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make one table; the next answer of each feed fills it."""
    op.create_table(
        "findings",
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("polls", sa.Integer, nullable=False),
        sa.Column("cases", sa.BigInteger, nullable=False),
        sa.Column("last_count", sa.Integer, nullable=False),
        sa.Column("example", sa.Text, nullable=False),
    )
