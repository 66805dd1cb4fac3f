"""The weekly profile: how busy a bike-share city is through the week, before it has shown its own habits.

It gives arrivals and departures per hour, relative to the week's mean, by day type and half-hour.
`benchmarks/shape/` derives it as the geometric mean of four cities.
"""

import numpy as np

# fmt: off
WEEKLY_PROFILE = np.array((
    (
        0.50, 0.35, 0.21, 0.11, 0.09, 0.07, 0.06, 0.05, 0.04, 0.13, 0.21, 0.30,
        0.39, 0.53, 0.83, 1.28, 1.75, 2.04, 1.88, 1.52, 1.31, 1.25, 1.23, 1.32,
        1.52, 1.64, 1.69, 1.67, 1.54, 1.45, 1.47, 1.56, 1.73, 2.04, 2.30, 2.32,
        2.16, 1.95, 1.73, 1.51, 1.34, 1.19, 1.08, 0.99, 0.93, 0.86, 0.78, 0.66,
    ),
    (
        0.66, 0.56, 0.37, 0.21, 0.16, 0.13, 0.11, 0.09, 0.07, 0.13, 0.17, 0.21,
        0.25, 0.29, 0.33, 0.38, 0.46, 0.59, 0.75, 0.94, 1.10, 1.21, 1.31, 1.40,
        1.48, 1.54, 1.56, 1.56, 1.56, 1.57, 1.60, 1.58, 1.56, 1.56, 1.53, 1.48,
        1.44, 1.40, 1.35, 1.24, 1.10, 0.97, 0.87, 0.83, 0.80, 0.72, 0.64, 0.64,
    ),
))
# fmt: on
"""`(day types, slots)`: weekdays, then Saturdays and Sundays; mean 1."""
