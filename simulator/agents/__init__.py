"""A strict Managed Agents API over real HTTP on loopback, with a scripted model (`simulator/agents/model.py`)."""
