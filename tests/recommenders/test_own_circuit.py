"""The page about a circuit of one's own says what is so."""

import re
from pathlib import Path

import yaml

from qrec.recommenders import CircuitRecommender, check_parameters, recommender_class

PAGE = Path(__file__).parents[2] / "docs/how-to/own-circuit.md"


def test_the_pages_code_runs(capsys) -> None:
    scope: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block, scope)
    score, step, validation = capsys.readouterr().out.split("\n")[:3]
    assert 0.5 < float(score) < 1.5
    # Eight rotations by a parameter; three steps in one epoch, and a look before and after it.
    assert step == f"3 {20 * (1 + 2 * 8)}"
    times, evaluations = map(int, validation.split())
    assert times == 2
    # Pairs whose user or item has no rating to train on are not looked at.
    assert 0.9 * len(scope["parts"].validation) < evaluations <= len(scope["parts"].validation)


def test_the_pages_entry_of_an_experiment_is_right() -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [entry] = yaml.safe_load(block)
    assert recommender_class(entry["recommender"]) is CircuitRecommender
    check_parameters(CircuitRecommender, entry["params"])
