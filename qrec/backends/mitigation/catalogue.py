"""The mitigations by name."""

from functools import reduce

from qrec.backends.mitigation.base import Mitigation, Stacked
from qrec.backends.mitigation.decoupling import DynamicalDecoupling
from qrec.backends.mitigation.readout import ReadoutInversion
from qrec.backends.mitigation.twirling import PauliTwirling
from qrec.backends.mitigation.zne import ZeroNoiseExtrapolation
from qrec.registry import check_name

MITIGATIONS: dict[str, Mitigation] = {
    "readout": ReadoutInversion(),
    "zne_linear": ZeroNoiseExtrapolation("linear"),
    "zne_exponential": ZeroNoiseExtrapolation("exponential"),
    "twirling": PauliTwirling(),
    "decoupling": DynamicalDecoupling(),
}


def open_mitigation(name: str) -> Mitigation:
    """Return a mitigation by its name, or several: in ``readout+zne_linear`` each value that is
    extrapolated has its readout errors inverted first. Raises ConfigError for an unknown name.
    """
    parts = name.split("+")
    for part in parts:
        check_name(part, list(MITIGATIONS), "mitigation")
    return reduce(Stacked, (MITIGATIONS[part] for part in parts))
