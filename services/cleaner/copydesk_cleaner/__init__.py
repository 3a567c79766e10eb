"""Turns pages into articles and accounts for every cut."""
