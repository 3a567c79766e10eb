"""``copydesk replay``: a stage handles again what it has handled before."""
