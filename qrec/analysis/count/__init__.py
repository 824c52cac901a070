"""What a circuit costs: qubits, gates, depth, time, chance of success, T gates."""

from qrec.analysis.count.gates import count, executed_circuit, lowered
from qrec.analysis.count.rows import CircuitCost, count_rows
from qrec.analysis.count.table import count_tables

__all__ = ["CircuitCost", "count", "count_rows", "count_tables", "executed_circuit", "lowered"]
