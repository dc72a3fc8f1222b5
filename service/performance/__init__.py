"""Live performance: what was advised, joined to what came of it."""
