"""Experiments from files, names and mappings; what is wrong in them is said with its key."""

import pytest
import yaml

from qrec.backends import open_backend
from qrec.errors import ConfigError
from qrec.experiments.comparison.fitting import build
from qrec.recommenders import ALS, GlobalMean
from qrec.registry import experiment_paths
from qrec.runner.load import load, override, parse_override


@pytest.mark.parametrize("name", sorted(experiment_paths()))
def test_packaged_experiments_load(name):
    assert load(name).spec.name == name


def test_file_and_mapping_mean_the_same(tmp_path, small_experiment):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(small_experiment))
    assert load(path).spec == load(small_experiment).spec


def test_dotted_keys_reach_every_level(small_experiment):
    changes = {
        "dataset": "ml-100k",
        "repeats": 3,
        "recommenders.als.params.n_factors": 5,
        "split.ratios": [0.8, 0.1, 0.1],
    }
    spec = load(small_experiment, changes).spec
    assert spec.dataset == {"name": "ml-100k"}
    assert spec.repeats == 3
    assert spec.entry("als").params["n_factors"] == 5
    assert spec.split == {"kind": "random", "ratios": [0.8, 0.1, 0.1]}


def test_another_kind_of_split_drops_the_options_of_the_old_one(small_experiment):
    assert load(small_experiment, {"split.kind": "u1"}).spec.split == {"kind": "u1"}


def test_option_of_a_bare_data_set_name():
    content = {"dataset": "synthetic"}
    changed = override(content, "dataset.seed", 4, ["dataset"])
    assert changed == {"dataset": {"name": "synthetic", "seed": 4}}
    assert content == {"dataset": "synthetic"}, "the original must not change"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"datset": "x"}, "datset.*did you mean 'dataset'.*known:.*repeats"),
        ({"dataset": "ml-100"}, "ml-100.*did you mean 'ml-100k'"),
        ({"split.kind": "rnd"}, "split.*random"),
        ({"repeats": 0}, "repeats.*greater than or equal to 1.*0"),
        ({"recommenders.asl.params.reg": 1}, "asl.*did you mean 'als'"),
        ({"recommenders.als.params.ref": 1}, "ref.*did you mean 'reg'"),
        ({"recommenders.als.backends": ["exact"]}, "als.*runs no circuit"),
        ({"recommenders.swap.params.base": "@later"}, "swap.*@later is no earlier entry"),
        ({"kind": "comparson"}, "kind.*should be 'comparison'.*found 'comparson'"),
        ({"metrics": ["rsme"]}, "metrics.*did you mean 'rmse'"),
        ({"recommenders.als.params.n_factors": "four"}, "als.*n_factors is 'four'.*integer"),
        ({"recommenders.als.params.n_factors": 0}, "als.*n_factors is 0.*at least 1"),
        ({"recommenders.als.grid": {"reg": [0.1, "a"]}}, "als.*reg is 'a'.*number"),
        (
            {"recommenders.swap.params.backend": {"kind": "provider", "backend": "os:system"}},
            "swap: backend: expected the name of an entry of backends.yaml; found a dict",
        ),
        ({"seed.deeper": 1}, "seed.deeper.*nothing stands below 3"),
        ({"schema_version": 2}, "schema_version.*1.*found 2"),
    ],
)
def test_wrong_key_or_value_is_named_with_what_would_be_right(small_experiment, changes, said):
    with pytest.raises(ConfigError, match=f"(?s){said}"):
        load(small_experiment, changes)


def test_two_entries_cannot_share_a_label(small_experiment):
    small_experiment["recommenders"].append({"label": "als", "recommender": "bias"})
    with pytest.raises(ConfigError, match="two entries have the label 'als'"):
        load(small_experiment)


def test_backends_are_replaced_where_circuits_run(small_experiment):
    spec = load(small_experiment, backends=["aer_noisy"]).spec
    assert [entry.backends for entry in spec.recommenders] == [[], [], ["aer_noisy"]]
    small_experiment["recommenders"].pop()
    with pytest.raises(ConfigError, match="no quantum recommender"):
        load(small_experiment, backends=["aer_noisy"])


@pytest.mark.parametrize("text", ["repeats", "=3", "a=[1"])
def test_malformed_change_is_a_usage_error(text):
    with pytest.raises(ConfigError, match="--set"):
        parse_override(text)


def test_changes_are_yaml():
    assert parse_override("split.ratios=[0.8, 0.1, 0.1]") == ("split.ratios", [0.8, 0.1, 0.1])
    assert parse_override("dataset=ml-100k") == ("dataset", "ml-100k")


def test_missing_file_and_name_are_usage_errors(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="did you mean 'report'"):
        load("repotr")


def with_mean(small_experiment, members):
    entry = {"label": "both", "recommender": "ensemble", "params": {"members": members}}
    entry["params"] |= {"weights": "equal", "prefit": True}
    return {**small_experiment, "recommenders": [*small_experiment["recommenders"], entry]}


def test_a_list_of_other_entries_is_given_as_their_models(small_experiment):
    experiment = load(with_mean(small_experiment, ["@als", "@swap"]))
    entry = experiment.spec.entry("both")
    assert entry.references == {"members[0]": "als", "members[1]": "swap"}
    assert experiment.spec.family(entry) == "hybrid"
    after = {step.name: step.after for step in experiment.steps()}
    assert after["both.r0.fit"] == ("als.r0.fit", "swap.r0.fit")
    models = {"members[0]": ALS(n_factors=2), "members[1]": GlobalMean()}
    built = build(entry, {}, models, open_backend, seed=1)
    assert built.members == [models["members[0]"], models["members[1]"]]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (["@als", "als"], r"both: params.members\[1\] is 'als'; expected @ and the label"),
        (["@als", "@als2"], r"both: params.members\[1\]: @als2 is no earlier entry"),
    ],
)
def test_a_list_names_earlier_entries_and_nothing_else(small_experiment, members, said):
    with pytest.raises(ConfigError, match=said):
        load(with_mean(small_experiment, members))


def test_a_list_of_other_entries_is_no_candidate(small_experiment):
    wrong = with_mean(small_experiment, ["@als"])
    wrong["recommenders"][-1]["params"].pop("members")
    wrong["recommenders"][-1]["grid"] = {"members": [["@als"], ["@swap"]]}
    with pytest.raises(ConfigError, match=r"grid.members: found a list of other entries"):
        load(wrong)


GIBBS = {"recommender": "angle_net", "params": {"n_factors": 1, "training": "gibbs"}}
EQUAL = {"recommender": "ensemble", "params": {"members": ["@als", "@swap"], "weights": "equal"}}


@pytest.mark.parametrize(
    ("entry", "name", "value", "why"),
    [
        (GIBBS, "learning_rate", 0.1, "training: gibbs"),
        ({"recommender": "angle_net"}, "n_samples", 20, "training: exact"),
        (EQUAL, "alpha", 1.0, "weights: equal"),
    ],
)
def test_what_has_no_effect_is_refused_and_not_tuned(small_experiment, entry, name, value, why):
    small_experiment["recommenders"].append({"label": "last"} | entry)
    last = load(small_experiment).spec.recommenders[-1]
    assert name not in last.tuned
    with pytest.raises(ConfigError, match=f"last: params: {name} has no effect beside {why}"):
        load(small_experiment, {f"recommenders.last.params.{name}": value})
    with pytest.raises(ConfigError, match=f"last: params: {name} has no effect beside {why}"):
        load(small_experiment, {"recommenders.last.grid": {name: [value]}})
