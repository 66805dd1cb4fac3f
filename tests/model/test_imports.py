"""What importing one file of the model brings along."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["model", "model.mixing.pool", "model.experts.registry"])
def test_neither_holidays_nor_river_come_along(module: str) -> None:
    """Loading holidays takes a second and River 70 MB; neither the pool nor the registry needs them."""
    code = f"import sys, {module}; print({{'holidays', 'river'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()", "import components under TYPE_CHECKING"


@pytest.mark.parametrize("module", ["model.forecaster", "ingest.cli.app", "dashboard.pipeline"])
def test_river_and_numba_are_loaded_by_the_first_forecaster(module: str) -> None:
    code = f"import sys, {module}; print({{'river', 'scipy', 'numba'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()", "import River and Numba where they are used"
