"""Exact expectation values of Qiskit circuits: batched over parameter rows, differentiable.

What others call stands here: `estimator`, `expectation`, `explain`, `method`, `probabilities`,
`sampler`, `shots`. Behind it are five wings; each imports from itself and from those before it:
`machine`, `read`, `state`, `heisenberg`, `tensor_train`.
"""
