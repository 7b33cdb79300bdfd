"""Facts about building: how long an API takes to compile and to start, how big it is, and what it is made of."""
