"""Which workers are live, and the size by which they share each system."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Make one table, which workers fill, and count the stations of each system."""
    op.create_table(
        "workers",
        sa.Column("holder", sa.Text, primary_key=True),
        sa.Column("until", sa.Double, nullable=False),
    )
    op.add_column("systems", sa.Column("size", sa.Integer, nullable=False, server_default="0"))
    count = "SELECT count(*) FROM stations WHERE stations.system_id = systems.system_id"
    op.execute(f"UPDATE systems SET size = ({count})")
