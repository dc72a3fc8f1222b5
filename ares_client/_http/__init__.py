"""HTTP to the service: deadlines, cancellable connections, typed responses and the operator's calls."""
