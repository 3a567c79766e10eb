"""Tags articles and shows the evidence."""
