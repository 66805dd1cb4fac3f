"""The first tables. A migration is history: it spells its columns out and never changes again."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all nine tables."""
    text, number, real, big = sa.Text, sa.Integer, sa.Double, sa.BigInteger
    op.create_table(
        "systems",
        sa.Column("system_id", text, primary_key=True),
        sa.Column("position", number),
        sa.Column("name", text, nullable=False),
        sa.Column("city", text, nullable=False),
        sa.Column("country", text, nullable=False),
        sa.Column("url", text, nullable=False),
        sa.Column("poll_seconds", real, nullable=False),
        sa.Column("speed", real, nullable=False),
        sa.Column("label", text, nullable=False),
        sa.Column("timezone", text),
        sa.Column("state", text, nullable=False),
        sa.Column("text", text, nullable=False),
        sa.Column("failures", number, nullable=False),
        sa.Column("at", big),
        sa.Column("received_at", real),
        sa.Column("last_try_at", real),
        sa.Column("next_poll_at", real),
        sa.Column("frame_version", number),
        sa.Column("learning_since", big),
    )
    op.create_table(
        "stations",
        sa.Column("system_id", text, primary_key=True),
        sa.Column("station_id", text, primary_key=True),
        sa.Column("position", number, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("lat", real, nullable=False),
        sa.Column("lon", real, nullable=False),
        sa.Column("capacity", number, nullable=False),
    )
    for table, timed in (("observations", True), ("status", False)):
        op.create_table(
            table,
            sa.Column("system_id", text, primary_key=True),
            sa.Column("station_id", text, primary_key=True),
            sa.Column("at", big, primary_key=timed, nullable=False, autoincrement=False),
            sa.Column("bikes", number, nullable=False),
            sa.Column("docks", number, nullable=False),
            sa.Column("ebikes", number, nullable=False),
            sa.Column("renting", sa.Boolean, nullable=False),
            sa.Column("returning", sa.Boolean, nullable=False, quote=True),
            sqlite_with_rowid=False,
        )
    op.create_index("observations_by_time", "observations", ["system_id", "at"])
    op.create_table(
        "polls",
        sa.Column("system_id", text, primary_key=True),
        sa.Column("received_at", real, primary_key=True),
        sa.Column("at", big),
        sa.Column("outcome", text, nullable=False),
        sa.Column("text", text, nullable=False),
        sa.Column("seconds", real, nullable=False),
        sa.Column("findings", text, nullable=False),
    )
    op.create_index("polls_by_time", "polls", ["system_id", "outcome", "at"])
    op.create_table(
        "frames",
        sa.Column("system_id", text, primary_key=True),
        sa.Column("version", number, primary_key=True, autoincrement=False),
        sa.Column("made_at", real, nullable=False),
        sa.Column("at", big, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "checkpoints",
        sa.Column("system_id", text, primary_key=True),
        sa.Column("at", big, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("system_id", text, primary_key=True),
        sa.Column("holder", text, nullable=False),
        sa.Column("until", real, nullable=False),
    )
    op.create_table(
        "scores",
        sa.Column("system_id", text, primary_key=True),
        sa.Column("hour", big, primary_key=True, autoincrement=False),
        sa.Column("model", text, primary_key=True),
        sa.Column("minutes", number, primary_key=True, autoincrement=False),
        sa.Column("n", big, nullable=False),
        sa.Column("n_dock", big, nullable=False),
        sa.Column("expired", big, nullable=False),
        sa.Column("abs_error", real, nullable=False),
        sa.Column("squared_error", real, nullable=False),
        sa.Column("crps", real, nullable=False),
        sa.Column("brier_bike", real, nullable=False),
        sa.Column("brier_dock", real, nullable=False),
        sa.Column("covered", real, nullable=False),
    )
