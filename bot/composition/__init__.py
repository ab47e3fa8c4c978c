"""How the rooms are tied together; `bot/app.py` calls these in their order, and nothing here decides anything.

What speaks to the outside comes in opened, in `Context`.
"""
