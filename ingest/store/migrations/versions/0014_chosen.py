"""Which systems are followed or not followed by command, whatever the list says."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add a column; empty as before, where the list decides."""
    op.add_column("systems", sa.Column("chosen", sa.Boolean))
