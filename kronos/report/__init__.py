"""The report: a self-contained HTML page on how a model does out of sample. `study` computes it, `page` shows it."""
