"""Experiments with the variational singular value decomposition."""
