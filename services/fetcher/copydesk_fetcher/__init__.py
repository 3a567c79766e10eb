"""Polls feeds and downloads article pages."""
