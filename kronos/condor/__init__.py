"""The trade: its strikes, settlement, label, costs and value."""
