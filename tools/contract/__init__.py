"""The contract for subscribers: JSON Schemas, an AsyncAPI document, and what may change without breaking a reader."""
