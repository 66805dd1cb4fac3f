"""Forecasts of the own model that wait for their truths, and judged forecasts of all models for science."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Make both tables, empty."""
    for name in ("own_forecasts", "judged_forecasts"):
        op.create_table(
            name,
            sa.Column("system_id", sa.Text, primary_key=True),
            sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("blob", sa.LargeBinary, nullable=False),
        )
