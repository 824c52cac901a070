"""The variational singular value decomposition: a user of circuits and backends."""

from qrec.svd.variational import VariationalSVD

__all__ = ["VariationalSVD"]
