"""IBM Quantum: the connection to the service and its primitives."""
