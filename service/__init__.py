"""The ARES ML Advisor's HTTP service and its worker."""
