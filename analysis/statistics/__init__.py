"""What is concluded from cells: estimates of each API, and comparisons of two by their ratio in each block.

One idea a module: `estimates` (means over blocks), `intervals` (Student's t), `holm` (several tests at once),
`equivalence` (what "same" means), `power` (how many blocks it takes), `measures` (what is compared), `block_ratios`
(two APIs in a block), `verdict` (the rule that puts these together), `ranking`, `twin` (A/A), `comparison` (from a
run's cells to all of it), and `simulation` (how often it errs).
"""
