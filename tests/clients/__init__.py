"""Kafka clients in other languages: installed once into a cache, and run as commands that answer in JSON."""
