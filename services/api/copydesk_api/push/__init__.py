"""Pushing the change feed to those who asked for it: webhooks and WebSub."""
