"""From the bytes of a feed, whatever its format, to what its entries say."""
