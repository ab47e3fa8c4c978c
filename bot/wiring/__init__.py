"""How the rooms are tied together, noun by noun; `bot/app.py` calls these in their order.

What speaks to the outside comes in opened, in `Parts`; nothing here decides anything.
"""
