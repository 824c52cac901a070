"""Memory and cores: what is free, buffers that are written to in turn, rows in chunks."""
