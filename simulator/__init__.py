"""Strict counterparts of the network's peers: Slack, Managed Agents, a service with OAuth and MCP.

Not shipped with the bot. Real HTTP on loopback, the documented limits, states and errors enforced,
scenario knobs, recorded requests, a clock that tests can turn. Imports nothing of ours.
"""
