"""``python -m qrec``."""

from qrec.cli import main

main()
