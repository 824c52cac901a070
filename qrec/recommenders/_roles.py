"""What a circuit's parameter vectors stand for."""

from dataclasses import dataclass

from qiskit import QuantumCircuit

from qrec.errors import ConfigError


@dataclass(frozen=True)
class Roles:
    """The names of a circuit's vectors: a user's angles, an item's, and weights that all share."""

    user: str
    item: str
    weights: str | None

    def check(self, owner: str, circuit: QuantumCircuit) -> None:
        """Raise ConfigError unless these are a circuit's vectors; `owner` says for whom."""
        sizes = vector_sizes(circuit)
        has = ", ".join(f"{name} ({size})" for name, size in sizes.items()) or "none"
        for role, name in vars(self).items():
            if name is not None and name not in sizes:
                none = "; None where it has no weights" if role == "weights" else ""
                raise ConfigError(
                    f"{owner}: {role} is {name!r}; expected one of the parameters of circuit "
                    f"{circuit.name!r}, which are {has}{none}"
                )
        named = [name for name in vars(self).values() if name is not None]
        if sorted(named) != sorted(sizes):
            raise ConfigError(
                f"{owner}: user, item and weights are {', '.join(named)}; expected each parameter "
                f"of circuit {circuit.name!r} once, which are {has}"
            )


def vector_sizes(circuit: QuantumCircuit) -> dict[str, int]:
    """Return name -> length of the parameter vectors of a circuit that has no lone parameter."""
    return {p.vector.name: len(p.vector) for p in circuit.parameters}
