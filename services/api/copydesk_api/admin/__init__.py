"""The calls that change something, each for keys of a certain scope only."""
