"""What the contract never allows, tried on each implementation."""
