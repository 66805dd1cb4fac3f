"""What every component of the forecaster has in common: it learns, and its state goes to arrays and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray


class Component:
    """State by name.

    `ARRAYS` lists the attributes, arrays or numbers, that make up the state. `KEYS` lists the attributes that
    say what positions in these arrays stand for, such as minutes ahead: a state with other keys is refused.
    """

    ARRAYS: ClassVar[tuple[str, ...]] = ()
    KEYS: ClassVar[tuple[str, ...]] = ()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the state."""
        return {name: np.asarray(getattr(self, name)) for name in self.ARRAYS}

    def keys(self) -> dict[str, NDArray[Any]]:
        """Give what positions in the state stand for."""
        return {name: np.asarray(getattr(self, name)) for name in self.KEYS}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` and `keys` gave.

        Raises `KeyError` where a name is missing, and `ValueError` for other keys, another shape or type.
        """
        kind = type(self).__name__
        for name, key in self.keys().items():
            if not np.array_equal(arrays[name], key):
                raise ValueError(f"{kind}.{name} is {arrays[name].tolist()} instead of {key.tolist()}")
        for name in self.ARRAYS:
            value, here = arrays[name], np.asarray(getattr(self, name))
            if (value.shape, value.dtype) != (here.shape, here.dtype):
                raise ValueError(
                    f"{kind}.{name} is {value.dtype} {value.shape} instead of {here.dtype} {here.shape}"
                )
            setattr(self, name, value if value.ndim else value.item())
