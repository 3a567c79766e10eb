"""``copydesk feeds`` and ``copydesk hosts``: what is polled, how it goes, and changing it."""
