"""A circuit as a picture in black and white, cut where it would become too large to be read.

Qiskit's own drawer needs pylatexenc and draws whatever size a circuit has; this one draws what
fits a page and says what it left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, ControlledGate, ParameterExpression, Qubit
from qiskit.circuit.tools import pi_check

from qrec.analysis.figures import new_canvas

_COLUMNS_IN_LINE = 18
_MOST_LINES = 3
_MOST_QUBITS = 14
_LONGEST = 9  # letters of a parameter
_BARE = ("barrier",)  # what takes a column and is no operation
_NAMES = {"sx": "√X", "sxdg": "√X†", "sdg": "S†", "tdg": "T†", "id": "I", "measure": "M"}


@dataclass(frozen=True)
class _Placed:
    """An operation in its column; `rows` are its qubits' places, in their order."""

    instruction: CircuitInstruction
    column: int
    rows: tuple[int, ...]


def draw_circuit(circuit: QuantumCircuit) -> tuple[Canvas, str]:
    """Return the picture of a circuit, and in a sentence what of it is left out, if anything.

    Qubits on which nothing acts have no line. Lines are numbered as the circuit's qubits are.
    """
    used = {qubit for i in circuit.data if i.operation.name not in _BARE for qubit in i.qubits}
    busy = [qubit for qubit in circuit.qubits if qubit in used]
    shown = busy[:_MOST_QUBITS]
    width = _COLUMNS_IN_LINE * _MOST_LINES
    placed = [each for each in _place(circuit, shown) if each.column < width]
    n_columns = max((each.column for each in placed), default=0) + 1
    n_lines = -(-n_columns // _COLUMNS_IN_LINE)
    across = min(n_columns, _COLUMNS_IN_LINE)
    canvas = new_canvas(max(3.5, 0.44 * across + 0.8), 0.4 * n_lines * (len(shown) + 0.7))
    grid = canvas.subplots(n_lines, 1, squeeze=False)[:, 0]
    for line, axes in enumerate(grid):
        first = line * _COLUMNS_IN_LINE
        here = [each for each in placed if 0 <= each.column - first < _COLUMNS_IN_LINE]
        labels = [f"q{circuit.find_bit(qubit).index}" for qubit in shown]
        _draw_line(axes, here, first, across, labels)
    return canvas, _left_out(circuit, len(busy), len(shown), placed)


def _place(circuit: QuantumCircuit, shown: Sequence[Qubit]) -> Iterator[_Placed]:
    """Yield the operations on shown qubits, each as far to the left as it can stand."""
    row_of = {qubit: row for row, qubit in enumerate(shown)}
    free = [0] * len(shown)
    for instruction in circuit.data:
        rows = [row_of[qubit] for qubit in instruction.qubits if qubit in row_of]
        if not rows or len(rows) < len(instruction.qubits):
            continue
        spanned = range(min(rows), max(rows) + 1)
        column = max(free[row] for row in spanned)
        if instruction.operation.name not in _BARE:
            yield _Placed(instruction, column, tuple(rows))
            column += 1
        for row in spanned:
            free[row] = column


def _left_out(circuit: QuantumCircuit, n_busy: int, n_shown: int, placed: Sequence[_Placed]) -> str:
    n_operations = sum(i.operation.name not in _BARE and bool(i.qubits) for i in circuit.data)
    said = []
    if n_busy > n_shown:
        said.append(f"{n_busy - n_shown} of {n_busy} qubits")
    if n_operations > len(placed):
        said.append(f"{n_operations - len(placed)} of {n_operations} operations")
    idle = circuit.num_qubits - n_busy
    out = f" Left out of the picture: {' and '.join(said)}." if said else ""
    return out + (f" Nothing acts on {idle} other qubits." if idle else "")


def _draw_line(
    axes: Axes, placed: Sequence[_Placed], first: int, across: int, labels: Sequence[str]
) -> None:
    for row, label in enumerate(labels):
        axes.plot([-0.6, across - 0.4], [row, row], color="black", linewidth=0.7, zorder=1)
        axes.text(-0.7, row, label, ha="right", va="center", fontsize=8)
    for each in placed:
        _draw(axes, each, each.column - first)
    axes.set_xlim(-1.4, across - 0.3)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.axis("off")


def _draw(axes: Axes, placed: _Placed, x: int) -> None:
    operation, rows = placed.instruction.operation, placed.rows
    if len(rows) > 1:
        axes.plot([x, x], [min(rows), max(rows)], color="black", linewidth=1, zorder=2)
    if operation.name == "swap":
        axes.plot([x, x], rows, "x", color="black", markersize=7, zorder=4)
        return
    if not isinstance(operation, ControlledGate):
        _draw_box(axes, x, rows, operation.name, operation.params)
        return
    n, base = operation.num_ctrl_qubits, operation.base_gate
    for place, row in enumerate(rows[:n]):
        on = operation.ctrl_state >> place & 1
        _draw_dot(axes, x, row, filled=bool(on))
    targets = rows[n:]
    if base.name == "x":
        axes.plot(
            x, targets[0], "o", color="black", markerfacecolor="white", markersize=11, zorder=3
        )
        axes.plot(x, targets[0], "+", color="black", markersize=11, zorder=4)
    elif base.name == "z":
        _draw_dot(axes, x, targets[0], filled=True)
    elif base.name == "swap":
        axes.plot([x, x], targets, "x", color="black", markersize=7, zorder=4)
    else:
        _draw_box(axes, x, targets, base.name, base.params)


def _draw_dot(axes: Axes, x: int, row: int, *, filled: bool) -> None:
    face = "black" if filled else "white"
    axes.plot(x, row, "o", color="black", markerfacecolor=face, markersize=5, zorder=4)


def _draw_box(axes: Axes, x: int, rows: Sequence[int], name: str, params: Sequence[object]) -> None:
    low, high = min(rows), max(rows)
    corner, height = (x - 0.42, low - 0.36), high - low + 0.72
    drawn: dict[str, Any] = {
        "facecolor": "white",
        "edgecolor": "black",
        "linewidth": 0.8,
        "zorder": 3,
    }
    axes.add_patch(Rectangle(corner, 0.84, height, **drawn))
    numbers = [_short(value) for value in params if not isinstance(value, QuantumCircuit)]
    title, middle = _NAMES.get(name, name.capitalize() if len(name) < 4 else name), (low + high) / 2
    size = 8 if len(title) < 5 else 5.5
    said = ",".join(numbers) if len(numbers) < 3 else f"{numbers[0]},.."
    axes.text(x, middle - (0.12 if said else 0), title[:_LONGEST], fontsize=size,
              ha="center", va="center", zorder=5)  # fmt: skip
    if said:
        axes.text(x, middle + 0.2, said[:_LONGEST], fontsize=5, ha="center", va="center", zorder=5)
    if len(rows) > 1:
        for place, row in enumerate(rows):
            axes.text(x - 0.38, row - 0.2, str(place), fontsize=4.5, va="center", zorder=5)


def _short(value: object) -> str:
    """Return a parameter in few letters: pi as such, of a long formula what is in it."""
    if isinstance(value, ParameterExpression) and not value.parameters:
        value = value.numeric()
    text = pi_check(value, ndigits=2) if isinstance(value, int | float) else str(value)
    if len(text) > _LONGEST and isinstance(value, ParameterExpression):
        text = f"f({','.join(sorted({p.name.partition('[')[0] for p in value.parameters}))})"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
