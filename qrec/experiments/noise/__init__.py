"""Experiments on what a device's noise does to a recommender."""
