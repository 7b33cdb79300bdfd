"""What jobs in continuous integration call beside `lab`: a gate for each API that a change touches, and its comment."""
