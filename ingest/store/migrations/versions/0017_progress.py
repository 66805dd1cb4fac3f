"""How much of a jump or a new beginning has been learnt."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add a column, which is empty while nothing is caught up on."""
    op.add_column("playbacks", sa.Column("progress", sa.Double))
