"""Everything that needs scikit-learn. Imported by the worker and by KRONOS's own commands, never by the server."""
