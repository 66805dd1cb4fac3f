"""How the worker plays made-up and recorded cities."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make one table."""
    op.create_table(
        "playbacks",
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("wall", sa.Double, nullable=False),
        sa.Column("speed", sa.Double, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("begin", sa.Text, nullable=False, quote=True),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("begun", sa.Integer, nullable=False),
    )
