"""The model as served: artefact, curve, policy, drift and the promotion gate. NumPy only."""
