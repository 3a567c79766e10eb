"""The web page: server-rendered, without a script."""
