"""The worker: schedule, tick, recovery, catch-up. The only room that imports apscheduler."""
