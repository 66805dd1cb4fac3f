"""The command line: `python -m ingest COMMAND`, one file a command."""
