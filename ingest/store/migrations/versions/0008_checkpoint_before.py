"""The store keeps the checkpoint before the newest too, for when the newest cannot be read."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Key checkpoints by system and time."""
    op.rename_table("checkpoints", "checkpoints_by_system")
    op.create_table(
        "checkpoints",
        sa.Column("system_id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("system_id", "at", name="checkpoints_by_time"),
    )
    op.execute("INSERT INTO checkpoints SELECT system_id, at, blob FROM checkpoints_by_system")
    op.drop_table("checkpoints_by_system")
