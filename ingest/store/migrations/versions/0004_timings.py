"""For each poll, the feed's ttl, the time that learning took, and the forecasts that wait for their truth."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add four columns to the polls; they are empty in older rows."""
    for name in ("ttl_seconds", "learn_seconds", "forecast_seconds"):
        op.add_column("polls", sa.Column(name, sa.Double))
    op.add_column("polls", sa.Column("waiting", sa.Integer))
