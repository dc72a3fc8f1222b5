"""The commands of `kronos`, one per module. Each imports what it needs when it runs, so that all start fast."""
