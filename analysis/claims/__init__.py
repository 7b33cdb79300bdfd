"""What the published article claims, each line as data, and what a run and the facts about building make of it.

One idea a module: `claim` (what a claim is), `evidence` (what is judged by), `conditions` (what may be compared at
all), `agreement` (an interval against a published value), `columns` (the article's numbers by measure and load),
`numbers` (absolute numbers), `orders`, `ratios`, `limits` (of size and time), `facts` (how facts about building are
read and put in order), `effort` (hours, by stand-ins), `lines` (every line with its claims), and `judge`, the way in.
"""
