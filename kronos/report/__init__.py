"""The report: one self-contained HTML page about a model, out of sample. `study` computes, `page` shows."""
