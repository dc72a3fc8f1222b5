"""Live performance: the advice given, joined to its outcomes."""
