"""What one replica holds in memory (model, bars, keys), and how it learns of changes."""
