"""From reported trades and new sessions to a challenger, and to the evidence that the gate judges it by."""
