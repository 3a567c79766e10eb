"""Looking through the dead letters and bringing them back, for the command and for the API."""
