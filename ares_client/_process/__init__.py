"""What depends on the operating system's processes: time, locks, forks."""
