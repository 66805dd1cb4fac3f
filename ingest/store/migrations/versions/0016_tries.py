"""Which feeds somebody wants to be tried again now."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make one table, which pages fill."""
    op.create_table(
        "tries",
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
    )
