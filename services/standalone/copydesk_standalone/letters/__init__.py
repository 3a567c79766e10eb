"""``copydesk dead-letters``: look at what could not be handled, bring it back, delete what is old."""
