"""Kinds of backend, one per file: its settings and its class."""
