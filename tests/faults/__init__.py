"""All implementations while what they need fails, and while they are ended."""
