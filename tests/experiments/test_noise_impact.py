"""Rows of a noise impact: that each is what its noise gives, and what is said of them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from qrec.analysis.table import to_text
from qrec.backends import noiseless, open_backend
from qrec.backends.device.snapshots import make_snapshot, open_snapshot
from qrec.backends.mitigation import open_mitigation
from qrec.errors import ConfigError
from qrec.experiments.fair.rows import NO_DIFFERENCE, TOO_FEW
from qrec.experiments.noise.impact.answers import impact_answer
from qrec.experiments.noise.impact.rows import ThresholdRow
from qrec.experiments.noise.impact.said import found, mark, strength
from qrec.experiments.noise.impact.variants import device_label
from qrec.metrics import rmse_difference
from qrec.recommenders import load_recommender
from qrec.runner.compare import compare_runs
from qrec.runner.load import load
from qrec.runner.run import resume, run

FIELDS = [
    "recommender", "source", "scale", "mitigation", "shots", "rmse", "minus_exact", "low", "high",
    "spearman", "executions",
]  # fmt: skip
SMALL = {
    "schema_version": 1,
    "kind": "noise_impact",
    "name": "small",
    "title": "two quantum recommenders",
    "seed": 5,
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1600},
    "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
    "recommenders": [
        {"label": "bias", "recommender": "bias"},
        {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
        {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"}},
        {"label": "pair", "recommender": "pair_net",
         "params": {"n_factors": 1, "n_samples": 4, "n_burn_in": 4}},
    ],
    "n_pairs": 200,
    "scales": [0.0, 1.0, 4.0],
    "shots": [16, 1024],
    "n_calibration": 40,
    "devices": ["fake:FakeManilaV2"],
    "backends": ["exact_shots"],
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        yield run(SMALL)


def row(done, recommender, section="source", **wanted):
    rows = [
        r for r in done.rows
        if r["recommender"] == recommender
        and r.get("section") == section
        and all(r[name] == value for name, value in wanted.items())
    ]  # fmt: skip
    assert len(rows) == 1, (recommender, section, wanted, len(rows))
    return rows[0]


def fitted(done, label):
    path = done.folder.path / "models" / f"{label}.fit"
    return load_recommender(path, backend=lambda _: noiseless())


def predicted(done, step):
    with np.load(done.folder.path / "outcomes" / f"{step}.npz") as stored:
        return {name: stored[name] for name in stored.files}


def test_every_row_begins_with_the_same_fields(small):
    assert all(list(r)[: len(FIELDS)] == FIELDS for r in small.rows)
    json.dumps(small.as_json(), allow_nan=False)
    sections = {r["section"] for r in small.rows if "section" in r}
    assert sections == {
        "classical", "source", "strength", "shots", "mitigation", "device", "backend",
    }  # fmt: skip


@pytest.mark.parametrize("label", ["swap", "pair"])
@pytest.mark.parametrize("source", ["readout", "one_qubit", "two_qubit", "idle"])
def test_a_row_by_source_is_predicted_under_that_source_alone(small, label, source):
    backend = open_backend(
        "exact_noisy", noise={"only": [source]}, scheduling_method="alap", optimization_level=3
    )
    assert_predicts(small, label, f"{source}-x1", backend)
    assert row(small, label, source=source)["scale"] == 1


@pytest.mark.parametrize("label", ["swap", "pair"])
def test_all_noise_is_that_of_the_device_with_waiting_qubits_and_a_scale_multiplies_it(
    small, label
):
    assert_predicts(small, label, "all-x1", open_backend("exact_noisy", scheduling_method="alap"))
    strong = open_backend("exact_noisy", scheduling_method="alap", noise={"scale": 4.0})
    assert_predicts(small, label, "all-x4", strong)
    there = {"snapshot": "fake:FakeManilaV2", "scheduling_method": "alap"}
    assert_predicts(small, label, "FakeManilaV2", open_backend("exact_noisy", **there))


def assert_predicts(done, label, variant, backend):
    arrays, exact = (predicted(done, f"{label}.{name}") for name in (variant, "exact"))
    model = fitted(done, label)
    pairs = np.column_stack([arrays["user"], arrays["item"]])
    expected = model.set_params(backend=backend).predict(pairs)
    np.testing.assert_allclose(arrays["prediction"], expected, atol=1e-12)
    if variant != "all-x4" and not (label == "pair" and variant.startswith(("two_qubit", "idle"))):
        assert np.nanmax(abs(expected - exact["prediction"])) > 1e-6  # a pair net entangles nothing
    kept = ~np.isnan(expected)
    figures = rmse_difference(
        arrays["truth"][kept], expected[kept], exact["prediction"][kept], arrays["user"][kept]
    )
    [found] = [
        r for r in done.rows
        if r["recommender"] == label and r.get("section") in ("source", "strength", "device")
        and variant in (f"{r['source']}-x{r['scale']:g}", r["device"])
        and (r["device"] is None or variant == r["device"])
    ]  # fmt: skip
    assert found["rmse"] == pytest.approx(figures.rmse_a, abs=1e-12)
    assert found["minus_exact"] == pytest.approx(figures.value, abs=1e-12)
    assert found["low"] <= figures.value <= found["high"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "noise"),
    [("readout-x1", {"only": ["readout"]}), ("two_qubit-x1", {"only": ["two_qubit"]}),
     ("idle-x1", {"only": ["idle"]}), ("all-x4", {"scale": 4.0})],
)  # fmt: skip
def test_aer_predicts_the_same_with_the_same_sources(small, variant, noise):
    arrays, shots = predicted(small, f"swap.{variant}"), 2048
    aer = open_backend("aer_noisy", scheduling_method="alap", noise=noise, shots=shots)
    pairs = np.column_stack([arrays["user"], arrays["item"]])[:80]
    model = fitted(small, "swap")
    found = model.combine(pairs, aer.run(model.workloads(pairs)))
    inside = np.isfinite(found) & (found > 1) & (found < 5)  # what is clipped has no spread
    apart = (found - arrays["rating"][:80])[inside]
    errors = arrays["shot_sd"][:80][inside] / np.sqrt(shots)
    assert abs(apart.mean()) < 4 * np.sqrt(np.sum(errors**2)) / len(errors)
    assert (abs(apart) < 5 * errors).all()


@pytest.mark.parametrize("label", ["swap", "pair"])
def test_no_strength_is_no_noise(small, label):
    exact, none = (predicted(small, f"{label}.{name}") for name in ("exact", "all-x0"))
    np.testing.assert_allclose(none["prediction"], exact["prediction"], atol=1e-12)
    np.testing.assert_allclose(none["shot_sd"], exact["shot_sd"], atol=1e-7)
    assert abs(row(small, label, "strength", scale=0.0)["minus_exact"]) < 1e-12


def test_the_same_pairs_and_parameters_everywhere(small):
    steps = [f"swap.{name}" for name in ("exact", "readout-x1", "exact_shots", "FakeManilaV2")]
    pairs = [
        np.column_stack([predicted(small, step)[name] for name in ("user", "item")])
        for step in (*steps, "als.classical", "pair.exact")
    ]
    assert all(np.array_equal(pairs[0], other) for other in pairs[1:])
    swap, als = (predicted(small, step)["prediction"] for step in ("swap.exact", "als.classical"))
    np.testing.assert_allclose(swap, als, atol=1e-9)  # it is the same factors' dot product


def test_drawn_shots_are_within_what_is_expected_of_them(small):
    drawn = row(small, "swap", "backend", device="exact_shots")
    n_scored = np.isfinite(predicted(small, "swap.exact")["prediction"]).sum()
    assert (drawn["source"], drawn["shots"]) == ("readout+one_qubit+two_qubit", 1024)
    assert drawn["executions"] == 1024 * n_scored
    expected = row(small, "swap", "shots", source="all", shots=1024)
    assert expected["executions"] == drawn["executions"]
    # No qubit waits on the entry exact_shots, so that some noise is missing there.
    assert drawn["rmse"] == pytest.approx(expected["rmse"], abs=0.03)
    many = row(small, "swap", "shots", source="none", shots=1024)
    few = row(small, "swap", "shots", source="none", shots=16)
    assert few["minus_exact"] > many["minus_exact"] > 0
    assert few["shot_sd"] == many["shot_sd"]
    assert many["shot_error"] == pytest.approx(many["shot_sd"] / 32, rel=0.02)
    assert few["spearman"] < many["spearman"] < 1


def test_a_threshold_lies_on_the_line_between_strengths(small):
    at = {0.0: row(small, "swap", "strength", scale=0.0), 1.0: row(small, "swap", source="all"),
          4.0: row(small, "swap", "strength", scale=4.0)}  # fmt: skip
    behind = [at[scale]["minus_against"] for scale in sorted(at)]
    [threshold] = [r for r in small.rows if r["recommender"] == "swap" and "largest" in r]
    expected = 0.0 if behind[0] > 0 else np.interp(0.0, behind, sorted(at))
    assert threshold["scale"] == pytest.approx(expected)
    assert threshold["scale_low"] <= threshold["scale"]


def test_shots_needed_keep_the_loss(small):
    for needed in (r for r in small.rows if "wanted_loss" in r):
        scale = {"none": 0.0, "all": 1.0}[needed["source"]]
        infinite = row(small, needed["recommender"], source=needed["source"], scale=scale)
        loss, whole = needed["rmse"] - infinite["rmse"], needed["shots"]
        assert 0.0099 * (whole - 1) / whole < loss < 0.0101  # with a shot less it is more
        assert needed["shots_low"] <= needed["shots"] <= needed["shots_high"]
        n_scored = np.isfinite(predicted(small, "swap.exact")["prediction"]).sum()
        readings = (4 if needed["recommender"] == "pair" else 1) * n_scored  # 4 samples
        assert needed["executions"] == needed["shots"] * readings
        assert needed["qpu_seconds"] > 250e-6 * needed["executions"]  # the pause before each


def test_rescaling_takes_noise_back_and_costs_shots(small):
    plain, mended = (
        row(small, "swap", source="all"),
        row(small, "swap", "mitigation", mitigation="rescale"),
    )
    assert abs(mended["minus_exact"]) < 0.3 * plain["minus_exact"]
    assert mended["minus_unmitigated"] == pytest.approx(mended["rmse"] - plain["rmse"])
    assert mended["shots_factor"] > 1
    assert mended["spearman"] == pytest.approx(plain["spearman"], abs=1e-4)  # a line keeps order


@pytest.mark.parametrize("label", ["swap", "pair"])
@pytest.mark.parametrize(
    ("name", "circuits", "once"),
    [("readout", 1, 2), ("zne_exponential", 3, 0), ("readout+zne_exponential", 3, 2),
     ("twirling", 8, 0), ("decoupling", 1, 0)],
)  # fmt: skip
def test_a_mitigated_row_is_what_the_mitigation_gives(small, label, name, circuits, once):
    arrays = predicted(small, f"{label}.{name.replace('+', '.')}")
    model = fitted(small, label)
    pairs = np.column_stack([arrays["user"], arrays["item"]])
    noisy = open_backend("exact_noisy", scheduling_method="alap")
    workloads = model.workloads(pairs, key=f"{label}.{name.replace('+', '.')}")
    mended = open_mitigation(name).mitigate(noisy, workloads)
    expected = model.combine(pairs, mended.readings)
    np.testing.assert_allclose(arrays["prediction"], expected, atol=1e-9)
    found = row(small, label, "mitigation", mitigation=name)
    assert (found["circuits"], found["calibration"]) == (circuits, once)
    assert found["shots_factor"] > 0.99


def test_extrapolation_costs_the_shots_that_it_takes(small):
    """What a single shot of each circuit adds, against the errors of shots that were taken."""
    arrays, model = predicted(small, "pair.zne_exponential"), fitted(small, "pair")
    pairs = np.column_stack([arrays["user"], arrays["item"]])
    shots, drawn = 4096, []
    for seed in range(12):
        backend = open_backend(
            "exact_shots", scheduling_method="alap", shots=shots, seed_simulator=seed
        )
        found = open_mitigation("zne_exponential").mitigate(backend, model.workloads(pairs))
        drawn.append(model.combine(pairs, found.readings))
    measured = np.sqrt(np.nanmean(np.var(drawn, axis=0, ddof=1)))
    assert measured == pytest.approx(np.sqrt(np.nanmean(arrays["shot_sd"] ** 2) / shots), rel=0.15)


def test_tables_fit_and_figures_stand_in_the_report(small):
    assert max(map(len, small.table().splitlines())) <= 80
    assert set(small.figures) == {"sources", "strength", "shots"}
    report = (small.folder.path / "report.html").read_text()
    for table in small.tables[1:]:
        assert table.title in report
    assert len(small.tables) == 7
    assert "2024-05-27" in small.table()  # when FakeManilaV2 was calibrated


def test_the_answer_says_all_four(small):
    said = "\n".join(small.answer)
    for label in ("swap", "pair"):
        assert f"{label} under all noise: " in said
        assert f"{label} needs " in said
    assert "swap is behind bias without any noise." in said or "swap falls behind bias at" in said
    assert "No mitigation helps pair: rescale (" in said


def test_the_answer_names_the_worst_source_and_the_best_mitigation(small):
    certain = {"low": 0.001, "high": 0.1, "low_unmitigated": -0.1, "high_unmitigated": -0.001}
    rows = [replace(r, **certain) if hasattr(r, "section") else r for r in small.typed_rows]
    said = impact_answer(rows)
    gains = {
        source: row(small, "swap", source=source)["minus_exact"]
        for source in ("readout", "one_qubit", "two_qubit", "idle")
    }
    worst = {"readout": "read-out errors", "two_qubit": "errors of two-qubit gates"}
    assert f"alone, {worst[max(gains, key=gains.__getitem__)]} cost most" in said[0]
    assert any(s.startswith("Mitigation helps swap most by ") for s in said)


def test_an_interval_that_holds_zero_is_no_difference(small):
    assert found(0.1, -0.1, 0.2) == NO_DIFFERENCE
    assert mark(0.1, -0.1, 0.2) == "="
    assert (mark(0.1, 0.05, 0.2), mark(-0.1, -0.2, -0.05)) == (">", "<")
    assert found(0.1, np.nan, np.nan) == TOO_FEW
    rows = [
        replace(r, low=-1.0, high=1.0) if getattr(r, "section", "") == "source" else r
        for r in small.typed_rows
    ]
    said = impact_answer(rows)
    assert all("no difference; no part" in s for s in said if "under all noise:" in s)


@pytest.mark.parametrize(
    ("scale", "low", "high", "said"),
    [
        (0.75, 0.34, 1.2, "0.75 [0.34, 1.2]"),
        (3.0, 2.0, None, "3 [2, > 4]"),
        (np.nan, None, None, "> 4"),
        (0.0, 0.0, 0.0, "0"),
    ],
)
def test_a_strength_beyond_the_largest_is_said_so(scale, low, high, said):
    common = dict.fromkeys(("shots", "minus_exact", "low", "high", "spearman", "executions"))
    threshold = ThresholdRow(
        recommender="swap", source="all", scale=scale, mitigation="none", rmse=1.0, against="bias",
        largest=4.0, scale_low=low, scale_high=high, known=True, **common,
    )  # fmt: skip
    assert strength(threshold) == said
    assert threshold.as_dict()["scale"] == (None if np.isnan(scale) else scale)


def test_a_stopped_run_ends_with_the_same_rows(small, monkeypatch):
    monkeypatch.setenv("QREC_RUNS_DIR", str(small.folder.path.parent))
    for step in ("swap.readout-x1", "swap.rescale", "pair.fit", "pair.exact"):
        (small.folder.path / "outcomes" / f"{step}.npz").unlink()
    (small.folder.path / "rows.csv").unlink()
    assert resume(small.id).rows == small.rows


def test_compared_with_itself_pair_by_pair(small, monkeypatch):
    monkeypatch.setenv("QREC_RUNS_DIR", str(small.folder.path.parent))
    compared = compare_runs([small.id])
    [noisy] = [r for r in compared.rows if (r.recommender, r.backend) == ("swap", "all-x1")]
    assert noisy.rmse_minus_exact == pytest.approx(row(small, "swap", source="all")["minus_exact"])
    assert compared.tables


def test_drift_between_two_calibrations_of_one_device(tmp_path, monkeypatch):
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path))
    now = open_snapshot("fake:FakeManilaV2")
    properties = json.loads(json.dumps(now.properties))
    properties["last_update_date"] = "2030-01-01T00:00:00+00:00"
    for gate in properties["gates"]:
        for entry in gate["parameters"]:
            if entry["name"] == "gate_error":
                entry["value"] = min(1.0, 5 * entry["value"])
    later = make_snapshot(dict(now.configuration), properties, "here")
    (tmp_path / "later.json").write_text(later.text())
    done = run(SMALL, overrides={
        "devices": ["fake:FakeManilaV2", f"file:{tmp_path}/later.json"], "backends": [],
        "sources": ["readout"], "scales": [0.0, 1.0], "mitigations": [],
    })  # fmt: skip
    [drift] = [r for r in done.rows if r["recommender"] == "swap" and "earlier" in r]
    before, after = (row(done, "swap", "device", device=name) for name in ("FakeManilaV2", "later"))
    assert drift["minus_earlier"] == pytest.approx(after["rmse"] - before["rmse"])
    assert drift["low_earlier"] > 0  # five times the errors
    assert (drift["earlier"][:4], drift["calibrated"][:4]) == ("2024", "2030")
    assert "Drift" in done.table()


def test_pairs_that_some_row_cannot_score_are_in_no_row(monkeypatch, tmp_path):
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path))
    few = {"split.ratios": [0.25, 0.05, 0.7], "devices": [], "backends": [], "scales": [0.0, 1.0]}
    done = run(SMALL, overrides=few)
    arrays = predicted(done, "swap.exact")
    kept = np.isfinite(arrays["prediction"])
    assert not kept.all()
    bias = predicted(done, "bias.classical")["prediction"]
    rmse = np.sqrt(np.mean((bias - arrays["truth"])[kept] ** 2))
    assert row(done, "bias", "classical")["rmse"] == pytest.approx(rmse)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"against": "swap"}, "classical entry"),
        ({"scales": [0.5, 1.0]}, "0 and 1 among them"),
        ({"scales": [0.0, 2.0, 1.0]}, "ascending order"),
        ({"sources": ["readout", "readout"]}, "stands twice"),
        ({"sources": ["crosstalk"]}, "sources.0"),
        ({"wanted_loss": 0.0}, "greater than 0"),
        ({"devices": ["FakeManilaV2"]}, "devices"),
        ({"mitigations": ["zne"]}, "mitigation"),
        ({"mitigations": ["rescale+readout"]}, "in a stack"),
        ({"recommenders": SMALL["recommenders"][:2]}, "no quantum one"),
    ],
)
def test_wrong_key_or_value_is_named(changes, said):
    with pytest.raises(ConfigError, match=f"(?s){said}"):
        load(SMALL, changes)


@pytest.mark.parametrize("device", ["exact", "exact_shots", "aer_noisy"])
def test_a_device_without_noise_or_with_shots_is_refused(device):
    with pytest.raises(ConfigError, match="of kind exact with a snapshot and without shots"):
        load(SMALL, {"device": device}).backends()


def test_backends_of_the_command_line_are_devices_or_further_backends():
    assert load(SMALL, backends=["fake:FakeFez"]).spec.devices == ["fake:FakeFez"]
    both = load(SMALL, backends=["fake:FakeFez", "aer_ideal"]).spec
    assert (both.devices, both.backends) == (["fake:FakeFez"], ["aer_ideal"])
    assert load(SMALL, backends=["aer_ideal"]).spec.devices == SMALL["devices"]
    assert load(SMALL, {"devices": "fake:FakeFez"}).spec.devices == ["fake:FakeFez"]
    every = list(load(SMALL, backends=["fake:FakeManila*"]).backend_names())
    assert every[-2:] == ["exact_noisy@FakeManilaV2", "exact_shots"]
    wide = {"recommenders.pair.params.n_factors": 3}
    with pytest.raises(ConfigError, match="none with 6 qubits or more"):
        load(SMALL, wide, backends=["fake:FakeManila*"]).backend_names()
    with pytest.raises(ConfigError, match="-b: devices"):
        load(SMALL, backends=["wrong:device"])


def test_a_device_is_called_by_what_a_file_can_be_called():
    assert device_label("fake:FakeFez") == "FakeFez"
    assert device_label("file:runs/a b/snapshots/0f1e.json") == "0f1e"


def test_text_of_a_table_without_shots(small):
    assert all(to_text(table) for table in small.tables)
