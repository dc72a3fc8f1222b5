"""The trade: its strikes, its settlement and label, what it costs and what it is worth."""
