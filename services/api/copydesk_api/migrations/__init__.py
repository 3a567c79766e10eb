"""The changes of the schema, one after another; :mod:`copydesk_api.migrating` runs them."""
