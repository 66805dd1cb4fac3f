"""Scores by five minutes, hour and day in place of the hour alone, and when feeds were down."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEYS = "system_id, span, minutes, at, model"
_SUMS = "n, n_dock, expired, abs_error, squared_error, crps, brier_bike, brier_dock, covered"


def upgrade() -> None:
    """Carry the hours over, add them up to days, and make a table for outages."""
    real, big = sa.Double, sa.BigInteger
    op.rename_table("scores", "scores_by_hour")
    op.create_table(
        "scores",
        sa.Column("system_id", sa.Text, nullable=False),
        sa.Column("span", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("minutes", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", big, nullable=False, autoincrement=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("n", big, nullable=False),
        sa.Column("n_dock", big, nullable=False),
        sa.Column("expired", big, nullable=False),
        sa.Column("abs_error", real, nullable=False),
        sa.Column("squared_error", real, nullable=False),
        sa.Column("crps", real, nullable=False),
        sa.Column("brier_bike", real, nullable=False),
        sa.Column("brier_dock", real, nullable=False),
        sa.Column("covered", real, nullable=False),
        sa.PrimaryKeyConstraint("system_id", "span", "minutes", "at", "model", name="scores_by_span"),
        sqlite_with_rowid=False,
    )
    totals = ", ".join(f"sum({name})" for name in _SUMS.split(", "))
    for span in (3600, 86400):
        at = f"hour / {span} * {span}"
        op.execute(
            f"INSERT INTO scores ({_KEYS}, {_SUMS}) SELECT system_id, {span}, minutes, {at}, model, {totals} "
            f"FROM scores_by_hour GROUP BY system_id, minutes, {at}, model"
        )
    op.drop_table("scores_by_hour")
    op.create_table(
        "outages",
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column("start", big, primary_key=True, autoincrement=False),
        sa.Column("end", big, nullable=False, quote=True),
    )
