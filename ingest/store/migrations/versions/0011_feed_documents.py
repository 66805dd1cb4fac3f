"""What a feed has read of its slow documents, so that it has them after a restart."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make one table."""
    op.create_table(
        "feed_documents",
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
