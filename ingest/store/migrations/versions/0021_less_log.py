"""PostgreSQL writes less log: frames are not logged, and scores enter hours, days and weeks once an hour.

So the scores of the hour that a system's newest snapshot lies in are taken out of these again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_HOUR, _DAY, _WEEK = 3600, 86400, 604800
_SUMS = (
    "n", "n_dock", "expired", "abs_error", "squared_error", "crps", "brier_bike", "brier_dock", "covered",
)  # fmt: skip


def upgrade() -> None:
    """Make frames unlogged where the database knows that, and subtract the scores of unfinished hours."""
    db = op.get_bind()
    if db.dialect.name == "postgresql":
        op.execute("ALTER TABLE frames SET UNLOGGED")
    sums = ", ".join(f"sum(f.{name}) AS {name}" for name in _SUMS)
    less = ", ".join(f"{name} = {name} - :{name}" for name in _SUMS)
    keys = ("system_id", "kind", "minutes", "model", "span", "at")
    key = " AND ".join(f"{name} = :{name}" for name in keys)
    for span in (_HOUR, _DAY, _WEEK):
        unfinished = db.execute(
            sa.text(
                f"SELECT f.system_id, f.kind, f.minutes, f.model, f.at / {span} * {span} AS at, {sums} "
                "FROM scores f JOIN systems s ON s.system_id = f.system_id "
                f"WHERE f.span = 300 AND f.at >= s.at / {_HOUR} * {_HOUR} "
                f"GROUP BY f.system_id, f.kind, f.minutes, f.model, f.at / {span} * {span}"
            )
        )
        for row in unfinished.mappings().all():
            db.execute(sa.text(f"UPDATE scores SET {less} WHERE {key}"), {**row, "span": span})
            db.execute(
                sa.text(f"DELETE FROM scores WHERE {key} AND n = 0 AND expired = 0"), {**row, "span": span}
            )
