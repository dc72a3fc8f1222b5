"""Closed trades, as the bots report them."""
