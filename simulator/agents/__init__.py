"""A strict Managed Agents API over real HTTP on loopback, with a scripted model; the words are in `model`.

Services, their OAuth and Slack are the other simulators'.
"""
