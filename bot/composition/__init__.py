"""Builds the objects of each part of Deputy from a `Context`; `bot/app.py` calls the builders in order."""
