"""How the programs of the service start, listen, log and stop."""
