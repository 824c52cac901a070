"""Experiments on the quantum recommendation system: what its circuits cost, what it recommends."""
