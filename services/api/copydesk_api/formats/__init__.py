"""Articles in the formats of others: feeds, ninjs, schema.org. Pure functions of articles and addresses."""
