"""Everything that needs scikit-learn. The worker and KRONOS's commands import it; the server never does."""
