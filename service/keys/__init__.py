"""Bearer keys: who may ask for what."""
