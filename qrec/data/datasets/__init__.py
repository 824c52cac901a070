"""The data sets, one family per file; each module's `DATASETS` is found by looking here."""
