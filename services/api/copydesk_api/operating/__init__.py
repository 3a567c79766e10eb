"""How the pipeline goes: the state of the feeds, and how far the stages are, as the topics say."""
