"""Pages as PostgreSQL has them: other tests and other implementations write posts as well."""

from typing import Any

import psycopg

from tests.differential.world import written

_PAGE = """
    SELECT posts.id, users.id, users.username, posts.title, posts.body, posts.version,
           to_char(posts.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           to_char(posts.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    FROM posts JOIN users ON users.id = posts.author_id
    WHERE posts.id < coalesce(%(before)s, 9223372036854775807)
    ORDER BY posts.id DESC LIMIT %(limit)s + 1
"""


def page(database: "psycopg.Connection[tuple[Any, ...]]", limit: int, before: int | None) -> bytes:
    """The body of the 200 with these posts."""
    rows = database.execute(_PAGE, {"before": before, "limit": limit}).fetchall()
    items = [
        {
            "id": row[0],
            "author": {"id": row[1], "username": row[2]},
            "title": row[3],
            "body": row[4],
            "version": row[5],
            "created_at": row[6],
            "updated_at": row[7],
        }
        for row in rows[:limit]
    ]
    return written({"items": items, "next_before": items[-1]["id"] if len(rows) > limit else None})
