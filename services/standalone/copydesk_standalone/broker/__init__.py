"""A small single-node broker that speaks the Kafka protocol, for one machine and for tests.

Reading order: ``protocol`` (which APIs, which versions), ``server`` (connections), ``handlers_*`` (one function
per API), ``log`` (what is on disk), ``groups`` (who reads what). Production runs Apache Kafka.
"""
