"""The model as it is served: artefact, curve, policy, drift and the promotion gate. NumPy only."""
