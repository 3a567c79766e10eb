"""Copydesk on one machine: every service, an embedded broker and the copydesk command."""
