"""The parts of :mod:`copydesk_cleaner.extract`: the tree, what the page says of itself, and the words of its story."""
