"""Copydesk's messages, topics and Kafka runtime."""
