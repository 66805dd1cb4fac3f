"""What is known of each count, and cargo bikes; of older rows, counts and flags tell the state."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_STATE = "CASE WHEN bikes < 0 THEN 4 ELSE 3 END"
_NOT_KNOWN = 'bikes < 0 OR (NOT renting AND NOT "returning")'


def upgrade() -> None:
    """Add two columns to both tables of counts."""
    for table in ("observations", "status"):
        for name, default in (("cargo", "-1"), ("state", "0")):
            op.add_column(table, sa.Column(name, sa.Integer, nullable=False, server_default=default))
        op.execute(f"UPDATE {table} SET state = {_STATE} WHERE {_NOT_KNOWN}")
