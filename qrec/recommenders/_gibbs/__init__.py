"""Gibbs sampling over the angles of a circuit.

`angles` says which circuits qualify, `conditional` draws angles, `forms` and `shifted` give the
coefficients of their conditionals, `sampler` walks, `posterior` holds what was kept.
"""
