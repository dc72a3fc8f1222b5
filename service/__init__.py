"""The HTTP service of the ARES ML Advisor, and its worker."""
