"""The commands of `kronos`, one a module; each imports what it needs when it runs, so that all start fast."""
