#!/bin/bash
# Used in the image's build: runs the API for a moment, without PostgreSQL and Redis. When it ends, the JVM archives the
# classes that were loaded (-XX:+AutoCreateSharedArchive, see options). The build has the host's network, on which it
# listens at port 21808 of 127.0.0.1.
set -euo pipefail

export DATABASE_URL=postgres://nobody:nothing@127.0.0.1:9/none REDIS_URL=redis://127.0.0.1:9/0 PORT=21808
export JWT_SECRET=for-the-run-in-the-build-and-no-other UPLOAD_DIR=/tmp LOG_LEVEL=error

/opt/java/bin/java @/opt/fairground/options -Xlog:cds=error fairground.ApplicationKt &
server=$!
ask() { # METHOD PATH BODY; fails while nothing listens
  exec 3<>"/dev/tcp/127.0.0.1/$PORT" || return
  printf '%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "$2" ${#3} "$3" >&3
  cat <&3 >/dev/null
  exec 3<&- 3>&-
}
until ask GET /healthz '' 2>/dev/null; do
  kill -0 $server
  sleep 0.1
done
ask GET /readyz ''
ask GET /api/posts/1 ''
ask POST /api/posts '{}'
ask POST /api/auth/login '{"email":"nobody@example.test","password":"nothing at all"}'
kill $server
wait $server
test -s /opt/fairground/classes.jsa
