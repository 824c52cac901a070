"""Exact expectation values of Qiskit circuits: batched over parameter rows, differentiable."""
