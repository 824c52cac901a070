"""State vectors: amplitudes `(2^n, n_rows)`, changed by few large kernels.

`kernels` arranges a program (`monomial` fuses gathers), `evolution` runs it, `quadratic` and
`projection` read an observable from it. `statevector` is the method made of them, `pure` the
Pauli expectation values of a few qubits.
"""
