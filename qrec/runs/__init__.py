"""Runs: executing experiments and keeping what came of them on disk."""
