"""The world comes in: feeds, clock, store and worker.

The only room that imports requests, apscheduler and sqlalchemy.
"""
