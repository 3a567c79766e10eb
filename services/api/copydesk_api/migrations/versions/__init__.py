"""Migrations are additive: programs of the release before go on with the tables while pods are replaced.

They stand on their own and import nothing of the package, which moves on.
"""
