"""Where daily bars come from: one class a source, one module a format, and the download that they share."""
