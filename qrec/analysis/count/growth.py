"""How cost grows with a size, as a picture."""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure as Canvas

from qrec.analysis.count.rows import CircuitCost
from qrec.analysis.figures import CIRCLE, DIAMOND, SQUARE, TRIANGLE, WEDGE, draw_errors, new_canvas
from qrec.errors import ConfigError

_STYLES = (CIRCLE, SQUARE, TRIANGLE, WEDGE, DIAMOND)
_Value = Callable[[CircuitCost], float | None]
_PANELS: dict[str, _Value] = {
    "two-qubit gates": lambda row: row.two_qubit_gates,
    "two-qubit depth": lambda row: row.two_qubit_depth,
    "T gates": lambda row: row.t_count,
    "expected success probability": lambda row: row.success_probability,
}


def draw_growth(rows: Sequence[CircuitCost], key: str) -> Canvas:
    """Draw costs against the size called `key`, one line for each circuit and stage or target.

    Of several seeds the median, with a bar from the best to the worst. Raises ConfigError where
    sizes are no numbers.
    """
    if any(isinstance(row.size[key], str) for row in rows):
        raise ConfigError(f"--plot: the values of {key} are no numbers to draw costs against")
    lines: dict[str, list[CircuitCost]] = {}
    for row in rows:
        lines.setdefault(_name(row, key), []).append(row)
    sizes = sorted({row.size[key] for row in rows})
    panels = {n: v for n, v in _PANELS.items() if any(v(row) is not None for row in rows)}
    canvas = new_canvas(8, 2.6 * len(panels) + 0.25 * len(lines))
    for axes, (label, value) in zip(
        canvas.subplots(len(panels), squeeze=False)[:, 0], panels.items(), strict=True
    ):
        for number, (name, line) in enumerate(lines.items()):
            points = _points(line, key, value)
            if points:
                x, middle, low, high = zip(*points, strict=True)
                draw_errors(
                    axes,
                    _STYLES[number % len(_STYLES)],
                    x,
                    middle,
                    yerr=[low, high],
                    label=name,
                    linestyle=("-", "--", ":")[number // len(_STYLES) % 3],
                )
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
        axes.set_xticks(sizes if len(sizes) <= 10 else sizes[:: len(sizes) // 8])
        axes.grid(alpha=0.3)
    axes.set_xlabel(key)
    handles = {
        name: handle
        for each in canvas.axes
        for handle, name in zip(*each.get_legend_handles_labels(), strict=True)
    }
    canvas.legend(handles.values(), handles.keys(), loc="outside lower center", frameon=False)
    return canvas


def _name(row: CircuitCost, key: str) -> str:
    others = [f"{name}={value}" for name, value in row.size.items() if name != key]
    return ", ".join([row.circuit, *others, row.target or row.stage])


def _points(
    line: Sequence[CircuitCost], key: str, value: _Value
) -> list[tuple[float, float, float, float]]:
    """Return size, value, and how far down and up seeds reach, in the order of the sizes."""
    points = []
    for size in sorted({row.size[key] for row in line}):
        here = [row for row in line if row.size[key] == size]
        found = [known for row in here if (known := value(row)) is not None]
        middle = next(value(row) for row in here if row.rank in (None, "median"))
        if found and middle is not None:
            points.append((size, middle, middle - min(found), max(found) - middle))
    return points
