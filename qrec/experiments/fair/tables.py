"""The tables of a fair comparison, each at most 80 columns wide."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from qrec.analysis.table import Column, Table, build_table, short_stderr
from qrec.experiments.fair.answers import (
    bucket_name,
    bucket_sentence,
    choice_sentence,
    control_sentence,
    family_sentences,
    help_sentences,
    interval_text,
    share_sentence,
)
from qrec.experiments.fair.published import published_table
from qrec.experiments.fair.rows import (
    BETTER,
    CONTROL,
    NO_DIFFERENCE,
    TOO_FEW,
    WORSE,
    BucketRow,
    ChoiceRow,
    CostRow,
    DifferenceRow,
    FairRow,
)
from qrec.experiments.fair.spec import FairComparisonSpec, Protocol
from qrec.types import Row, of_type

_MARKS = {BETTER: "<", NO_DIFFERENCE: "=", WORSE: ">", TOO_FEW: "?"}
_ABLATION = " †"
_MARKS_SAID = "<  better, >  worse, =  no difference (the 95 % interval holds zero)"
_Line = tuple[str, dict[str, FairRow]]  # a recommender and its rows by protocol
_BucketLine = tuple[str, dict[str, BucketRow]]


def fair_tables(
    spec: FairComparisonSpec,
    protocols: Sequence[Protocol],
    dataset: Mapping[str, Any],
    left_out: Mapping[str, str],
    rows: Sequence[Row],
) -> list[Table]:
    """Return the main table with its verdicts, and all others that have rows."""
    fair, differences = of_type(FairRow, rows), of_type(DifferenceRow, rows)
    choices = {row.protocol: row for row in of_type(ChoiceRow, rows)}
    main = protocols[0]
    whole = [p for p in protocols if p.train_share == 1]
    thinned = sorted((p for p in protocols if p.train_share < 1), key=lambda p: p.train_share)
    tables = [
        _main_table(spec, main, dataset, left_out, choices[main.label], fair, differences),
        _control_table(main, differences),
        _protocol_table(whole[1:], fair, choices),
        _share_table(spec, [*thinned, main], fair, differences) if thinned else None,
        _bucket_table(of_type(BucketRow, rows)),
        _cost_table(spec, of_type(CostRow, rows)),
        published_table(dataset, _contenders(spec, fair)),
    ]
    return [table for table in tables if table is not None and table.rows]


def fair_answer(spec: FairComparisonSpec, protocol: Protocol, rows: Sequence[Row]) -> list[str]:
    """Say how the rows of a protocol stand to the best classical one and to their controls."""
    choices = {row.protocol: row for row in of_type(ChoiceRow, rows)}
    return [
        choice_sentence(choices[protocol.label]),
        *family_sentences(_contenders(spec, _overall(protocol, of_type(FairRow, rows)))),
        *help_sentences(_overall(protocol, of_type(DifferenceRow, rows))),
    ]


def _overall(protocol: Protocol, rows: Sequence[Any]) -> list[Any]:
    """Return the rows that speak of all of a protocol."""
    names = {protocol.label, *(repeat.protocol for repeat in protocol.repeats)}
    seed = None if len(protocol.repeats) > 1 else 0
    return [row for row in rows if row.protocol in names and row.seed == seed]


def _contenders(spec: FairComparisonSpec, rows: Sequence[FairRow]) -> list[FairRow]:
    return [row for row in rows if spec.contends(row.recommender)]


def _main_table(
    spec: FairComparisonSpec,
    protocol: Protocol,
    dataset: Mapping[str, Any],
    left_out: Mapping[str, str],
    choice: ChoiceRow,
    fair: Sequence[FairRow],
    differences: Sequence[DifferenceRow],
) -> Table:
    rows, apart = _overall(protocol, fair), _overall(protocol, differences)
    n_repeats = len(protocol.repeats)
    heading = [
        f"{spec.name}: {spec.title}",
        f"data set {dataset['name']}: {dataset['n_ratings']} ratings, {dataset['n_users']} users, "
        f"{dataset['n_items']} items",
        f"protocol {protocol.label}: {choice.train} ratings train, {choice.test} test; "
        f"{n_repeats} seed{'s' * (n_repeats > 1)}",
    ]
    columns: list[Column[FairRow]] = [
        Column("recommender", partial(_starred, spec, choice.best_classical), text=True),
        Column("family", lambda row: row.family, text=True),
        Column("RMSE", lambda row: row.rmse, "{:.4f}"),
        Column("MAE", lambda row: row.mae, "{:.3f}"),
        Column("minus best classical", _from_best),
        Column("", lambda row: _MARKS[row.verdict]),
    ]
    notes = [
        f"{_MARKS_SAID}. Intervals: users{' and seeds' * (n_repeats > 1)} drawn again; standard "
        f"error of one RMSE: {short_stderr(rows[0].rmse_stderr)}.",
        choice_sentence(choice),
        *family_sentences(_contenders(spec, rows)),
        *help_sentences(apart),
    ]
    if protocol.forms[0]["kind"] == "random":
        notes.append(
            "Under a random split a model sees ratings that its users gave later than those it "
            "predicts: what it shows must be read beside leave-last."
        )
    if choice.unscored:
        notes.append(
            f"{choice.unscored:.1%} of the test pairs some row could not score: there it has the "
            "rating that the biases of users and items give."
        )
    notes += [
        f"{_ABLATION.strip()} {row.recommender} {spec.entry(row.recommender).ablation}: shown for "
        "comparison, never the best."
        for row in rows
        if not spec.contends(row.recommender)
    ]
    notes += [
        f"Left out: protocol {label}, as the data set {dataset['name']} has not {lacking}."
        for label, lacking in left_out.items()
    ]
    return build_table("\n".join(heading), columns, rows, notes)


def _control_table(protocol: Protocol, differences: Sequence[DifferenceRow]) -> Table:
    rows = [row for row in _overall(protocol, differences) if row.role == CONTROL]
    columns: list[Column[DifferenceRow]] = [
        Column("recommender", lambda row: row.recommender, text=True),
        Column("control", lambda row: row.against, text=True),
        Column("difference", lambda row: interval_text(row.difference, row.low, row.high)),
        Column("", lambda row: _MARKS[row.verdict]),
    ]
    notes = [_MARKS_SAID, *map(control_sentence, rows)]
    title = f"Did the quantum part help? RMSE minus that of the control, {protocol.label}"
    return build_table(title, columns, rows, notes)


def _protocol_table(
    protocols: Sequence[Protocol], fair: Sequence[FairRow], choices: Mapping[str, ChoiceRow]
) -> Table:
    overall = {p.label: _overall(p, fair) for p in protocols}
    for protocol in protocols:
        if protocol.folds:  # the first is what others publish on
            first = protocol.repeats[0].protocol
            overall[first] = [row for row in fair if row.protocol == first and row.seed is not None]
    labels = dict.fromkeys(row.recommender for rows in overall.values() for row in rows)
    lines: list[_Line] = [
        (label, {k: row for k, rows in overall.items() for row in rows if row.recommender == label})
        for label in labels
    ]
    columns: list[Column[_Line]] = [Column("recommender", lambda line: line[0], text=True)]
    columns += [Column(name, _marked(name)) for name in overall]
    notes = [f"RMSE; beside the best classical row of each protocol: {_MARKS_SAID}."]
    for protocol in protocols:
        choice = choices[protocol.label]
        said = choice_sentence(choice).removeprefix("Best classical row (*): ")
        notes.append(f"{protocol.label} ({choice.train} train, {choice.test} test): {said}")
    return build_table("The same under other protocols", columns, lines, notes)


def _share_table(
    spec: FairComparisonSpec,
    protocols: Sequence[Protocol],
    fair: Sequence[FairRow],
    differences: Sequence[DifferenceRow],
) -> Table:
    """Return RMSE by share of the training ratings; the last protocol has all of them."""
    names = {p.label: f"{p.train_share:.0%}" for p in protocols}
    overall = {p.label: _overall(p, fair) for p in protocols}
    apart = {p.label: _overall(p, differences) for p in protocols}
    labels = dict.fromkeys(row.recommender for row in overall[protocols[0].label])
    lines: list[_Line] = [
        (
            label,
            {names[k]: r for k, rows in overall.items() for r in rows if r.recommender == label},
        )
        for label in labels
    ]
    columns: list[Column[_Line]] = [Column("recommender", lambda line: line[0], text=True)]
    columns += [Column(name, _marked(name)) for name in names.values()]
    notes = [
        "RMSE on the same test pairs with this share of the training ratings; beside the best "
        f"classical row of each: {_MARKS_SAID}."
    ]
    for label in labels:
        for control in spec.entry(label).control:
            cells = [
                (names[k], row)
                for k, rows in apart.items()
                for row in rows
                if (row.recommender, row.role, row.against) == (label, CONTROL, control)
            ]
            if cells:
                notes.append(share_sentence(label, control, cells))
    return build_table("With less to learn from", columns, lines, notes)


def _bucket_table(rows: Sequence[BucketRow]) -> Table:
    own: dict[str, list[BucketRow]] = {}
    for row in rows:
        own.setdefault(row.recommender, []).append(row)
    lines: list[_BucketLine] = [
        (f"{label} - {found[0].against}", {bucket_name(row): row for row in found})
        for label, found in own.items()
    ]
    columns: list[Column[_BucketLine]] = [Column("", lambda line: line[0], text=True)]
    columns += [Column(name, _bucket_cell(name)) for name in dict.fromkeys(map(bucket_name, rows))]
    notes = [
        "RMSE minus that of the hardest control (lowest validation RMSE), by how many training "
        f"ratings the user has; {_MARKS_SAID}.",
        *map(bucket_sentence, own.values()),
    ]
    return build_table("By how much is known of a user", columns, lines, notes)


def _cost_table(spec: FairComparisonSpec, rows: Sequence[CostRow]) -> Table:
    columns: list[Column[CostRow]] = [
        Column("recommender", lambda row: row.recommender, text=True),
        Column("fit s", lambda row: row.fit_seconds, "{:.1f}"),
        Column("predict s", lambda row: row.predict_seconds, "{:.2f}"),
        Column("numbers kept", lambda row: row.parameters, "{:,}"),
        Column("qubits", lambda row: row.qubits),
        Column("executions", lambda row: row.executions or None, "{:.1e}"),
        Column("QPU s", lambda row: row.qpu_seconds or None, "{:,.0f}"),
    ]
    notes = [
        "Seconds of one fit, without models it was given fitted, and of all test predictions, "
        "here. Numbers kept: all that a prediction rests on, a sampler's samples each. "
        f"Executions and QPU s: {spec.shots} shots of every reading on {spec.device}: one a test "
        "pair for a quantum row, one a rating of the data set for what learns from readings; no "
        "training on the device is counted."
    ]
    return build_table("What it costs", columns, rows, notes)


def _starred(spec: FairComparisonSpec, best: str, row: FairRow) -> str:
    mark = " *" if row.recommender == best else ""
    return row.recommender + (mark if spec.contends(row.recommender) else _ABLATION)


def _from_best(row: FairRow) -> str | None:
    if row.minus_best_classical == row.low == row.high == 0:
        return None  # it is that row
    return interval_text(row.minus_best_classical, row.low, row.high)


def _marked(name: str) -> Callable[[_Line], str | None]:
    def cell(line: _Line) -> str | None:
        row = line[1].get(name)
        return None if row is None else f"{row.rmse:.4f} {_MARKS[row.verdict]}"

    return cell


def _bucket_cell(name: str) -> Callable[[_BucketLine], str | None]:
    def cell(line: _BucketLine) -> str | None:
        row = line[1].get(name)
        return None if row is None else f"{row.difference:+.4f} {_MARKS[row.verdict]}"

    return cell
