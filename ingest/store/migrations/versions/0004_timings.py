"""What each poll says of the feed's ttl, of the time that learning took, and of what waits for its truth."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add four columns to the polls; those of before know nothing of them."""
    for name in ("ttl_seconds", "learn_seconds", "forecast_seconds"):
        op.add_column("polls", sa.Column(name, sa.Double))
    op.add_column("polls", sa.Column("waiting", sa.Integer))
