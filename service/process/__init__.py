"""How the service's programs start, listen, log and stop."""
