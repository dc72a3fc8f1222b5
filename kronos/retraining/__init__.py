"""From reported trades and new sessions to a challenger, and what the gate judges it by."""
