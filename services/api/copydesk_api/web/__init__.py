"""The web page: server-rendered; scripts only renew what is shown."""
