"""The errors of the store.

StoreError                      the store cannot be opened or used; the text says what to do
├── StoreNotReadyError          a worker of this release has not made the tables yet: wait
└── StoreFailedError            the database refused or broke off a transaction: nothing of it is written
    └── StoreUnreachableError   the database is away, full, locked or damaged: try again later
LeaseLostError                  another worker holds the system's lease: write nothing, stand by
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


class StoreError(Exception):
    """The store cannot be opened or is not ours. The text says what to do."""


class StoreNotReadyError(StoreError):
    """The store lacks the tables of this release: wait until a worker has made them."""


class StoreFailedError(StoreError):
    """The database refused or broke off a transaction. The text is the database's own.

    `connection_lost` tells that the connection ended: a commit may then have succeeded all the same.
    """

    def __init__(self, text: str, connection_lost: bool = False) -> None:
        super().__init__(text)
        self.connection_lost = connection_lost


class StoreUnreachableError(StoreFailedError):
    """The database is away, full, locked or damaged. Trying again later may succeed."""


class LeaseLostError(Exception):
    """Another worker holds this system's lease: roll back, write nothing, stand by."""


@contextmanager
def store_errors() -> Iterator[None]:
    """Raise SQLAlchemy's errors as `StoreFailedError` or `StoreUnreachableError`."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        away = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
        away |= type(error) is sa.exc.DatabaseError  # a file of SQLite that is cut off, or none of its own
        kind = StoreUnreachableError if away else StoreFailedError
        text = str(getattr(error, "orig", None) or error).strip()
        raise kind(text, getattr(error, "connection_invalidated", False)) from error
