"""The contract that every implementation keeps: the documents, the seed, and the checks that prove it."""
