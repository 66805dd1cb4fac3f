"""How much better the pool is than naive at each station, since the start."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make one table. Its sums begin with the next scores: those of before are not kept by station."""
    op.create_table(
        "paired_scores",
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
    )
