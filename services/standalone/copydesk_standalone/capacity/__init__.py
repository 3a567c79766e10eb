"""How much machine a load needs: ``copydesk capacity``."""
