"""Pieces that the circuits of the library are made of."""
