"""Drifts, scores by day, horizon and station, and the forecasts issued in the last day."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make three tables."""
    op.create_table(
        "drifts",
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("before", sa.Double, nullable=False),
        sa.Column("after", sa.Double, nullable=False),
    )
    op.create_table(
        "daily_scores",
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("stations", sa.LargeBinary, nullable=False),
        sa.Column("calibration", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "said",
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
    )
