"""Scores by kind of bikes: those so far are of any bike."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_SUMS = "n, n_dock, expired, abs_error, squared_error, crps, brier_bike, brier_dock, covered"


def upgrade() -> None:
    """Copy three tables into new ones: SQLite adds no column to a primary key."""
    big, real, blob = sa.BigInteger, sa.Double, sa.LargeBinary
    sums = [sa.Column(name, big if name in ("n", "n_dock", "expired") else real, nullable=False)
            for name in _SUMS.split(", ")]  # fmt: skip
    _copy("scores", [_key("system_id"), _key("span", sa.Integer), _key("kind"), _key("minutes", sa.Integer),
                     _key("at", big), _key("model")], sums, sqlite_with_rowid=False)  # fmt: skip
    _copy("daily_scores", [_key("system_id"), _key("day"), _key("minutes", sa.Integer), _key("kind")],
          [sa.Column(name, blob, nullable=False) for name in ("stations", "calibration")])  # fmt: skip
    _copy("paired_scores", [_key("system_id"), _key("minutes", sa.Integer), _key("kind")],
          [sa.Column("blob", blob, nullable=False)])  # fmt: skip


def _key(name: str, kind: type[sa.types.TypeEngine[Any]] = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, autoincrement=False)


def _copy(name: str, keys: list[sa.Column[Any]], values: list[sa.Column[Any]], **options: bool) -> None:
    names = [column.name for column in keys]
    primary = sa.PrimaryKeyConstraint(*names, name=f"{name}_by_kind_key")
    op.create_table(f"{name}_by_kind", *keys, *values, primary, **options)
    columns = [each for each in (*names, *(column.name for column in values)) if each != "kind"]
    listed = ", ".join(columns)
    op.execute(f"INSERT INTO {name}_by_kind ({listed}, kind) SELECT {listed}, 'any' FROM {name}")
    op.drop_table(name)
    op.rename_table(f"{name}_by_kind", name)
