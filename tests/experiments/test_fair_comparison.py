"""The fair comparison: what is chosen on what, verdicts, controls, and rows for machines."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from step_by_step import do_steps, turned

from qrec.errors import ConfigError
from qrec.experiments.fair.answers import control_sentence, help_sentences, interval_text
from qrec.experiments.fair.comparison import FairComparison
from qrec.experiments.fair.published import published, published_table
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
    FittedRow,
    verdict,
)
from qrec.metrics import mae, rmse
from qrec.metrics.bootstrap import Interval
from qrec.recommenders import UserItemBias
from qrec.runner.load import load
from qrec.runner.run import run
from qrec.types import of_type

SPEC: dict[str, Any] = {
    "schema_version": 1, "kind": "fair_comparison", "name": "small", "title": "small", "seed": 2,
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
    "protocols": [
        {"label": "random", "split": {"kind": "random"}, "seeds": 2},
        {"label": "last", "split": {"kind": "leave_last"}},
        {"label": "r30", "split": {"kind": "random", "train_share": 0.3}, "seeds": 2},
        {"label": "official", "folds": [{"kind": "u1"}, {"kind": "u2"}]},
    ],
    "recommenders": [
        {"label": "bias", "recommender": "bias"},
        {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
        {"label": "ease", "recommender": "ease"},
        {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"},
         "control": {"als": "the base that it reads", "ease": "a model that is none of its own"}},
        {"label": "stack", "recommender": "ensemble", "protocols": ["random", "last"],
         "params": {"members": ["@ease", "@swap"], "prefit": True}},
    ],
    "buckets": [10, 18],
}  # fmt: skip


def experiment(**changes: Any) -> FairComparison:
    found = load(deepcopy(SPEC) | changes)
    assert isinstance(found, FairComparison)
    return found


@pytest.fixture(scope="module")
def plain() -> tuple[FairComparison, list]:
    found = experiment()
    return found, found.rows(do_steps(found))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.002, -0.001, BETTER), (0.001, 0.002, WORSE), (-0.001, 0.002, NO_DIFFERENCE),
        (0.0, 0.0, NO_DIFFERENCE), (0.0, 0.1, NO_DIFFERENCE), (1e-15, 1e-15, NO_DIFFERENCE),
        (np.nan, np.nan, TOO_FEW),
    ],
)  # fmt: skip
def test_a_verdict_says_where_the_interval_lies(low: float, high: float, expected: str) -> None:
    assert verdict(Interval((low + high) / 2, low, high)) == expected


def test_rows_are_what_machines_expect(plain: tuple) -> None:
    found, rows = plain
    fair = of_type(FairRow, rows)
    assert list(fair[0].as_dict()) == [
        "recommender", "family", "protocol", "seed", "rmse", "mae", "rmse_stderr",
        "minus_best_classical", "low", "high", "control", "verdict",
    ]  # fmt: skip
    assert {(row.protocol, row.seed) for row in fair} == {
        ("random", 0), ("random", 1), ("random", None), ("last", 0),
        ("r30", 0), ("r30", 1), ("r30", None),
    }  # fmt: skip
    families = {row.recommender: row.family for row in fair}
    assert families == {
        "bias": "classical", "als": "classical", "ease": "classical", "swap": "quantum",
        "stack": "hybrid",
    }  # fmt: skip
    assert {row.protocol for row in fair if row.recommender == "stack"} == {"random", "last"}
    for row in fair:
        interval = Interval(row.minus_best_classical, row.low, row.high)
        assert row.verdict == verdict(interval)
    assert found.left_out == {"official": "the splits of ml-100k"}


def test_a_figure_is_that_of_the_recommender(plain: tuple) -> None:
    found, rows = plain
    [row] = [r for r in of_type(FairRow, rows) if (r.recommender, r.protocol) == ("bias", "last")]
    [repeat] = [repeat for repeat in found.repeats if repeat.protocol == "last"]
    parts = found._split(repeat)
    predicted = UserItemBias().fit(parts.train).predict(parts.test)
    scored = ~np.isnan(predicted)
    biases = do_pairs(found, repeat)
    np.testing.assert_allclose(biases[scored], predicted[scored])
    score = rmse(parts.test.value, np.where(scored, predicted, biases), parts.test.user)
    assert (row.rmse, row.rmse_stderr) == pytest.approx((score.value, score.stderr))
    every = mae(parts.test.value, np.where(scored, predicted, biases), parts.test.user)
    assert row.mae == pytest.approx(every.value)


def do_pairs(found: FairComparison, repeat: Any) -> np.ndarray:
    [step] = [step for step in found.steps() if step.name == repeat.step]
    biases: np.ndarray = step.do(None, {}).arrays["test_biases"]
    assert not np.isnan(biases).any(), "all pairs have a rating to fall back on"
    return biases


def test_the_best_classical_row_is_chosen_on_validation_and_never_on_test(plain: tuple) -> None:
    _, rows = plain
    before = {row.protocol: row for row in of_type(ChoiceRow, rows)}
    found = experiment()
    for repeat in found.repeats:
        parts = found._split(repeat)
        found._parts[repeat.step] = turned(parts, parts.test_rows)
    after = {row.protocol: row for row in of_type(ChoiceRow, found.rows(do_steps(found)))}
    for protocol, row in before.items():
        assert after[protocol].best_classical == row.best_classical
        assert after[protocol].validation_rmse == row.validation_rmse
        assert after[protocol].test_rmse > row.test_rmse
    for repeat in found.repeats:
        parts = found._split(repeat)
        found._parts[repeat.step] = turned(parts, parts.validation_rows)
    turned_rows = of_type(ChoiceRow, found.rows(do_steps(found)))
    assert {row.validation_rmse for row in turned_rows}.isdisjoint(
        row.validation_rmse for row in before.values()
    )


def test_the_best_classical_row_is_one_of_them_and_lowest_there(plain: tuple) -> None:
    found, rows = plain
    outcomes = do_steps(found)
    [row] = [row for row in of_type(ChoiceRow, rows) if row.protocol == "last"]
    pairs = outcomes["last.s0"].arrays
    scores = {
        label: np.nanmean((outcomes[f"last.s0.{label}"].arrays["validation"]
                           - pairs["validation_truth"]) ** 2)
        for label in ("bias", "als", "ease")
    }  # fmt: skip
    assert row.best_classical == min(scores, key=scores.__getitem__)
    own = [r for r in of_type(FairRow, rows) if r.protocol == "last"]
    [best] = [r for r in own if r.recommender == row.best_classical]
    assert (best.minus_best_classical, best.low, best.high) == (0, 0, 0)
    for r in own:
        assert r.minus_best_classical == pytest.approx(r.rmse - best.rmse)


def test_folds_without_validation_take_the_choice_of_the_main_protocol() -> None:
    protocols = [
        SPEC["protocols"][0],
        {"label": "folds", "folds": [
            {"kind": "kfold", "validation_ratio": 0.0, "n_folds": 4, "fold": 1},
        ]},
    ]  # fmt: skip
    found = experiment(protocols=protocols, recommenders=SPEC["recommenders"][:3])
    main, folds = of_type(ChoiceRow, found.rows(do_steps(found)))
    assert folds.best_classical == main.best_classical
    assert folds.validation_rmse is None
    bare = [{"label": "bare", "split": {"kind": "random", "ratios": [0.8, 0.0, 0.2]}}]
    with pytest.raises(ConfigError, match=r"protocols.bare: .*chosen on its validation part"):
        experiment(protocols=bare, recommenders=SPEC["recommenders"][:3]).details()


def test_every_row_stands_beside_best_bias_and_controls(plain: tuple) -> None:
    _, rows = plain
    apart = [r for r in of_type(DifferenceRow, rows) if (r.protocol, r.seed) == ("random", None)]
    of_swap = {(row.role, row.against) for row in apart if row.recommender == "swap"}
    assert {(CONTROL, "als"), (CONTROL, "ease"), ("bias", "bias")} < of_swap
    assert {role for role, _ in of_swap} == {CONTROL, "bias", "best classical"}
    [same] = [row for row in apart if (row.recommender, row.against) == ("swap", "als")]
    assert same.verdict == NO_DIFFERENCE
    assert abs(same.difference) < 1e-9
    [swap] = [
        row for row in of_type(FairRow, rows)
        if (row.recommender, row.protocol, row.seed) == ("swap", "last", 0)
    ]  # fmt: skip
    assert swap.control == "ease", "the control that is hardest on validation"


def test_an_ablation_is_shown_and_is_never_the_best(plain: tuple) -> None:
    _, rows = plain
    [best] = [r.best_classical for r in of_type(ChoiceRow, rows) if r.protocol == "random"]
    entries = deepcopy(SPEC["recommenders"])
    for entry in entries:
        if entry["label"] in (best, "stack"):
            entry["ablation"] = "sees too much"
    found = experiment(recommenders=entries)
    barred = found.rows(do_steps(found))
    [choice] = [row for row in of_type(ChoiceRow, barred) if row.protocol == "random"]
    assert best not in (choice.best_classical, choice.best_on_test)
    assert {r.recommender for r in of_type(FairRow, barred)} == {e["label"] for e in entries}
    main = found.tables(barred)[0]
    marked = [row[0] for row in main.rows if row[0].endswith("†")]
    assert marked == [f"{e['label']} †" for e in entries if "ablation" in e]
    assert f"† {best} sees too much: shown for comparison, never the best." in main.notes
    assert not any(said.startswith("Best hybrid row") for said in found.answer(barred, {}))


def test_sentences_follow_the_rows() -> None:
    def row(against: str, low: float, high: float) -> DifferenceRow:
        found = Interval((low + high) / 2, low, high)
        return DifferenceRow(
            recommender="q", protocol="random", seed=None, role=CONTROL, against=against,
            instead=f"{against} instead", difference=found.value, low=low, high=high,
            verdict=verdict(found),
        )  # fmt: skip

    helps, same, hurts = row("noise", -0.02, -0.01), row("twin", -0.01, 0.01), row("x", 0.01, 0.02)
    assert control_sentence(helps).endswith(
        "[-.0200,-.0100]; better than with that: beside it the quantum part helped."
    )
    assert control_sentence(same).endswith("no difference: the quantum part did not help.")
    assert control_sentence(hurts).endswith("worse than with that: the quantum part did not help.")
    assert "noise instead in the place" in control_sentence(helps)
    [all_beaten] = help_sentences([helps])
    assert all_beaten.endswith("better than its one control.")
    [all_beaten] = help_sentences([helps, helps])
    assert all_beaten.endswith("better than all 2 controls.")
    [some] = help_sentences([helps, same, hurts])
    assert "No: it is better than 1 of its 3 controls, but not than twin (no difference)" in some
    [none] = help_sentences([same])
    assert "No: beside twin (no difference)" in none


def test_an_interval_is_written_without_zeros_before_the_point() -> None:
    assert interval_text(-0.0025, -0.0038, 0.0) == "-.0025 [-.0038,+.0000]"
    assert interval_text(10.5, -0.5, 20.25) == "+10.5000 [-.5000,+20.2500]"


def test_buckets_hold_every_pair_once_where_users_are_known(plain: tuple) -> None:
    found, rows = plain
    buckets = [row for row in of_type(BucketRow, rows) if row.recommender == "swap"]
    assert [(row.at_least, row.below) for row in buckets] == [(1, 10), (10, 18), (18, None)]
    repeats = [repeat for repeat in found.repeats if repeat.protocol == "random"]
    known = [
        np.bincount(found._split(t).train.user, minlength=60)[found._split(t).test.user]
        for t in repeats
    ]
    assert sum(row.n_pairs for row in buckets) == sum((each > 0).sum() for each in known)
    assert buckets[1].n_pairs == sum(((each >= 10) & (each < 18)).sum() for each in known)


def test_less_training_data_is_tested_on_the_same_pairs(plain: tuple) -> None:
    found, _ = plain
    whole, part = (
        found._split(next(t for t in found.repeats if (t.protocol, t.seed) == (name, 1)))
        for name in ("random", "r30")
    )
    np.testing.assert_array_equal(whole.test_rows, part.test_rows)
    assert set(part.train_rows) < set(whole.train_rows)


def test_costs_count_what_is_read(plain: tuple) -> None:
    _, rows = plain
    costs = {row.recommender: row for row in of_type(CostRow, rows)}
    assert costs["als"].executions == 0
    assert (costs["swap"].readings, costs["swap"].executions) == (300, 300 * 1024)
    assert costs["stack"].readings == 1500, "it learns from predictions of other ratings, too"
    assert costs["stack"].qpu_seconds == pytest.approx(5 * costs["swap"].qpu_seconds)
    assert costs["swap"].qpu_seconds > 300 * 1024 * 1e-4
    assert costs["als"].parameters == 60 * 2 + 80 * 2 + 60 + 80 + 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recommenders.swap.control": {"alss": "x"}}, r"swap.control.*'alss'; did you mean 'als'"),
        ({"recommenders.swap.control": {"stack": "x"}, "recommenders.swap.protocols": ["r30"],
          "recommenders.stack.params.members": ["@ease", "@als"]}, "stack takes part in none"),
        ({"recommenders.swap.control": {"swap": "x"}}, "swap.control: found itself"),
        ({"recommenders.swap.protocols": ["rondom"]}, "rondom.*did you mean 'random'"),
        ({"recommenders.als.protocols": ["last"]}, "swap: takes part in random, but als, on which"),
        ({"bias": "swap"}, "bias: swap: expected a classical"),
        ({"recommenders.bias.ablation": "sees too much"}, "bias: bias: expected .* no ablation"),
        ({"bias": "biass"}, "biass.*did you mean 'bias'"),
        ({"buckets": [20, 10]}, "buckets: found .20, 10., expected ascending"),
        ({"protocols": [{"label": "a", "split": {"kind": "rndom"}}]}, "protocols.a.*'rndom'"),
        ({"protocols": [{"label": "a"}]}, "protocols.a: expected either split or folds"),
        ({"protocols": [{"label": "a", "folds": [{"kind": "u1"}], "seeds": 2}]}, "seeds: found 2"),
        ({"protocols": [SPEC["protocols"][0]] * 2}, "two protocols have the label 'random'"),
        ({"recommenders.stack.params.members": ["@swap", "@x"]}, r"members\[1\]: @x is no earlier"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_named(changes: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(deepcopy(SPEC), changes)


def test_a_data_set_that_allows_no_protocol_is_refused() -> None:
    with pytest.raises(ConfigError, match="lacks what each needs: the splits of ml-100k"):
        experiment(
            protocols=[SPEC["protocols"][3]], recommenders=SPEC["recommenders"][:4]
        ).details()


@pytest.mark.usefixtures("runs_dir")
def test_tables_fit_and_the_figure_says_what_it_shows() -> None:
    done = run(deepcopy(SPEC))
    text = done.table()
    assert max(map(len, text.splitlines())) <= 80
    main, controls, others, shares, buckets, costs = done.tables
    assert len(main.rows) == 5
    assert [row[:2] for row in controls.rows] == [["swap", "als"], ["swap", "ease"]]
    assert others.columns == ["recommender", "last"]
    assert shares.columns == ["recommender", "30%", "100%"]
    assert "Left out: protocol official, as the data set synthetic has not" in " ".join(main.notes)
    assert "Did the quantum part help swap? No" in " ".join(main.notes)
    assert "better" in done.figures["differences"].caption
    assert done.figures["differences"].png[:4] == b"\x89PNG"
    assert done.answer[0].startswith("Best classical row")
    assert set(done.answer) <= set(done.tables[0].notes)
    assert of_type(FittedRow, done.typed_rows) == []
    assert costs.rows
    assert buckets.rows


def test_published_figures_stand_only_beside_their_own_protocol(plain: tuple) -> None:
    _, rows = plain
    assert published_table({"name": "synthetic"}, of_type(FairRow, rows)) is None
    assert published_table({"name": "ml-100k"}, of_type(FairRow, rows)) is None, "u1 was not run"
    ours = [replace(r, protocol="u1") for r in of_type(FairRow, rows) if r.protocol == "last"]
    table = published_table({"name": "ml-100k"}, ours)
    assert table is not None
    shown = {row[0] for row in table.rows}
    same = {row.model for row in published().rows if row.same}
    assert same == {name for name in shown if not name.startswith("qrec")}
    assert {"qrec: swap", "qrec: stack"} < shown
    assert "GLocal-K, 0.8889 (no attributes; the best epoch chosen on u1.test" in " ".join(
        table.notes
    )


def test_timestamps_that_are_missing_leave_a_protocol_out() -> None:
    found = experiment()
    found.__dict__["ratings"] = replace(found.ratings, timestamp=None)
    assert found.left_out["last"] == "timestamps"
    assert "last" not in {repeat.protocol for repeat in found.repeats}


def test_a_record_says_what_was_left_out() -> None:
    found = experiment()
    found.use_recorded(found.details())
    with pytest.raises(ConfigError, match=r"details.left_out: found \{'x': 'y'\}"):
        experiment().use_recorded(found.details() | {"left_out": {"x": "y"}})
