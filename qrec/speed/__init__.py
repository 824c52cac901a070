"""The exact engine and other tools on the same work, timed in turns on one core."""
