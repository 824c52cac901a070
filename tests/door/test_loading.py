"""What is wrong with a circuit of one's own is said when the experiment is loaded."""

import pytest

from qrec.errors import ConfigError
from qrec.runner.load import load

CODE = """
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector


def one(name="v"):
    circuit = QuantumCircuit(1)
    circuit.ry(ParameterVector("u", 1)[0] + ParameterVector(name, 1)[0], 0)
    return circuit


def other():
    return one("w")


def needs(n):
    return one()


def fails():
    return 1 / 0


number = lambda: 3
"""


@pytest.fixture
def entry(small_experiment, tmp_path, monkeypatch):
    """Return a function that loads an experiment with a circuit by these parameters."""
    (tmp_path / "loading_circuits.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)

    def load_with(**params):
        own = {"label": "mine", "recommender": "circuit", "params": params}
        return load({**small_experiment, "recommenders": [own]})

    return load_with


def test_right_one_is_loaded(entry):
    assert entry(circuit="loading_circuits:one", weights=None)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "'circuit' needs 'circuit'"),
        ({"circuit": "loading_circuits:ones"}, "did you mean 'one'"),
        ({"circuit": "loading_circuits:other", "weights": None}, "item is 'v'"),
        ({"circuit": "loading_circuits:one", "weights": "theta"}, "weights is 'theta'"),
        ({"circuit": "loading_circuits:needs"}, "missing 1 required positional argument: 'n'"),
        ({"circuit": "loading_circuits:fails"}, "ZeroDivisionError"),
        ({"circuit": "loading_circuits:number"}, "expected a QuantumCircuit"),
        ({"circuit": "loading_circuits:one", "weights": None, "observable": "Z7"}, "Z7"),
    ],
)
def test_wrong_one_is_refused(params, said, entry):
    with pytest.raises(ConfigError, match=said) as refused:
        entry(**params)
    assert "recommenders.mine: " in str(refused.value)
