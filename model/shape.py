"""How busy a bike-sharing city is through the week, before it has shown its own habits.

Arrivals and departures per hour over the week's mean, by day type and half-hour: the geometric mean over
four cities. `benchmarks/shape/` derives it and says what it is worth to a city that is not among them.
"""

import numpy as np

# fmt: off
SHAPE = np.array((
    (
        0.46, 0.30, 0.18, 0.09, 0.07, 0.06, 0.04, 0.03, 0.03, 0.10, 0.17, 0.24,
        0.36, 0.55, 0.86, 1.30, 1.78, 2.05, 1.85, 1.47, 1.26, 1.20, 1.19, 1.31,
        1.54, 1.65, 1.65, 1.64, 1.54, 1.45, 1.46, 1.54, 1.72, 2.05, 2.32, 2.37,
        2.25, 2.03, 1.81, 1.57, 1.34, 1.16, 1.01, 0.92, 0.88, 0.80, 0.72, 0.61,
    ),
    (
        0.63, 0.55, 0.36, 0.20, 0.16, 0.12, 0.10, 0.08, 0.06, 0.13, 0.17, 0.19,
        0.22, 0.29, 0.35, 0.38, 0.45, 0.56, 0.72, 0.91, 1.07, 1.18, 1.29, 1.41,
        1.52, 1.62, 1.66, 1.67, 1.67, 1.66, 1.68, 1.68, 1.63, 1.58, 1.58, 1.57,
        1.52, 1.46, 1.36, 1.23, 1.10, 0.96, 0.85, 0.80, 0.75, 0.67, 0.59, 0.60,
    ),
))
# fmt: on
"""`(day types, slots)`: weekdays, then Saturdays and Sundays; mean 1."""
