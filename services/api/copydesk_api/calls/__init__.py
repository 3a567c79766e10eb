"""Calls and pages beside those of the articles, a module for each part."""
