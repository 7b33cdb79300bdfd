"""The framework alone, answering a post from memory."""
