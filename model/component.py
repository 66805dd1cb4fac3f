"""What every part of the forecaster has in common: it is learnt, and its state goes to arrays and back."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray


class Component:
    """State by name: `ARRAYS` lists the attributes, arrays or numbers, that make it up."""

    ARRAYS: ClassVar[tuple[str, ...]]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the state."""
        return {name: np.asarray(getattr(self, name)) for name in self.ARRAYS}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take back what `arrays` gave."""
        for name in self.ARRAYS:
            value = arrays[name]
            setattr(self, name, value if value.ndim else value.item())
