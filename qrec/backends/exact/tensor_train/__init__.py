"""The Heisenberg table as a tensor train: one small core per qubit where a dense table ends.

`order` puts the qubits on a line and `operators` splits gates along it; `train` is the
compressed tensor, `pull` takes an observable back through what all rows share, `rows` multiplies
a train by the features of rows, and `table` is the evaluator that puts them together.
"""
