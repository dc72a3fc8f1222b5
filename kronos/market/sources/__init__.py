"""Where daily bars come from: one class per source, one module per format, and a shared download."""
