"""Programs: sequences of requests in which all groups of routes have their share."""

from hypothesis import strategies as st

from tests.differential.strategies import files, paths, posts, users
from tests.differential.template import Step

_SHARES: list[tuple[int, st.SearchStrategy[Step]]] = [
    (16, posts.reads),
    (12, posts.creations),
    (12, posts.updates),
    (5, posts.deletions),
    (5, posts.lists),
    (3, posts.small_lists),
    (1, users.registrations),
    (5, users.bad_registrations),
    (1, users.logins),
    (4, users.bad_logins),
    (3, users.reads),
    (14, users.selves),
    (1, users.injected_paths),
    (18, files.uploads),
    (6, files.downloads),
    (10, paths.odd_routes),
    (4, paths.bent_heads),
    (2, paths.wrong_heads),
]
"""In hundredths or so of all requests."""

steps: "st.SearchStrategy[Step]" = st.sampled_from(
    [strategy for share, strategy in _SHARES for _ in range(share)]
).flatmap(lambda strategy: strategy)

SHORTEST = 2
"""Requests of a program at least."""

programs = st.lists(steps, min_size=SHORTEST, max_size=30)
"""Six requests on average: long enough for a post to be made, read, changed and read again."""
