"""`kind: speed`: how fast is the exact engine, beside other tools and beside this machine?"""

from qrec.experiments.speed.experiment import EXPERIMENT, SPEC

__all__ = ["EXPERIMENT", "SPEC"]
