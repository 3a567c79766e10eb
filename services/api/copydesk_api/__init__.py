"""Serves the processed feed over REST and as a web page."""
