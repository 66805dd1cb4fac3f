"""A town whose feed misbehaves on command, for every test of faults."""

from __future__ import annotations

import pytest

from tests.faults.town import Town
from tests.support.misbehaving import Misbehaving


@pytest.fixture
def town(server: Misbehaving) -> Town:
    return Town(server, poll_seconds=0.5)
