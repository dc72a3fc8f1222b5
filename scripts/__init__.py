"""Build and check scripts of this repository; none is installed."""
