"""Time, locks and forks: what depends on the operating system."""
