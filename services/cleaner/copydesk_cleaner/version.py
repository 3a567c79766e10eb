"""The cleaner's version, in one place: part of each article and of the idempotency key."""

CLEANER_VERSION = "0.3.2"
