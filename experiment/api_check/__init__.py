"""Leading through an implementation: from its folder over its image to the contract."""
