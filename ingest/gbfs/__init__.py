"""GBFS documents of every version, read into stations and snapshots."""
