"""HTTP to the service: deadlines, connections that can be cancelled, typed responses, the operator's calls."""
