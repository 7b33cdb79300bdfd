"""Each implementation under attack."""
