"""The table `said` is called `issued_forecasts`, as its rows are everywhere else."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Rename the table; its rows, and who may read them, stay as they are."""
    op.rename_table("said", "issued_forecasts")
