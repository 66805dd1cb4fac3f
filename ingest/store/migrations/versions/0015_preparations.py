"""Which workers prepare before their first tick."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make one table; a worker that has kernels to compile fills it."""
    op.create_table(
        "preparations",
        sa.Column("holder", sa.Text, primary_key=True),
        sa.Column("until", sa.Double, nullable=False),
    )
