"""Scores by the week, for sums over a year."""

from alembic import op

revision = "0007"
down_revision = "0006"

_KEYS = "system_id, span, minutes, at, model"
_SUMS = "n, n_dock, expired, abs_error, squared_error, crps, brier_bike, brier_dock, covered"


def upgrade() -> None:
    """Add the days up."""
    totals = ", ".join(f"sum({name})" for name in _SUMS.split(", "))
    at = "at / 604800 * 604800"
    op.execute(
        f"INSERT INTO scores ({_KEYS}, {_SUMS}) SELECT system_id, 604800, minutes, {at}, model, {totals} "
        f"FROM scores WHERE span = 86400 GROUP BY system_id, minutes, {at}, model"
    )
