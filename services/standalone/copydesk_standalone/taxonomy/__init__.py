"""``copydesk taxonomy``: the tags listed, checked, begun, explained and compared."""
