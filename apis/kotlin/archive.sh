#!/bin/bash
# Used in the image's build: starts the class named, with PostgreSQL and Redis beside it, asks a few things of it, and writes
# an archive of the classes that were loaded. Usage: archive.sh CLASS PORT
#
# A build has the host's network: PORT, which it listens on, and the two above it are to be free there.
set -euo pipefail

class=$1 port=$2 postgres_port=$(($2 + 1)) redis_port=$(($2 + 2))
folder=$(mktemp --directory)
postgres=$(echo /usr/lib/postgresql/*/bin)
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }

chown postgres "$folder"
as_postgres "$postgres/initdb" --pgdata="$folder/data" --username=postgres --auth=trust >"$folder/log"
as_postgres "$postgres/pg_ctl" --pgdata="$folder/data" --wait \
  --options="-c listen_addresses=127.0.0.1 -c port=$postgres_port -c unix_socket_directories=''" \
  --log="$folder/data/log" start >>"$folder/log"
# Stand-ins for the contract's tables: enough for the statements to be answered.
as_postgres "$postgres/psql" --quiet --host=127.0.0.1 --port=$postgres_port --username=postgres postgres <<'SQL'
CREATE TABLE users (id bigint, username text, email text, password_hash text, created_at timestamptz(3));
CREATE TABLE posts (id bigint, author_id bigint, title text, body text, version bigint,
                    created_at timestamptz(3), updated_at timestamptz(3));
INSERT INTO users VALUES (1, 'training', 'a@b', '', now());
INSERT INTO posts VALUES (1, 1, 'title', 'body', 1, now(), now());
SQL
redis-server --bind 127.0.0.1 --port $redis_port --dir "$folder" --save '' --daemonize yes >>"$folder/log"

export DATABASE_URL=postgres://postgres@127.0.0.1:$postgres_port/postgres REDIS_URL=redis://127.0.0.1:$redis_port
export PORT=$port LOG_LEVEL=warn
export JWT_SECRET=for-the-training-run-of-the-build-only UPLOAD_DIR=$folder

/opt/java/bin/java @/opt/fairground/options -XX:-ExitOnOutOfMemoryError -Xshare:off \
  -XX:DumpLoadedClassList="$folder/classes" "$class" &
server=$!
ask() { # METHOD PATH BODY; fails while nothing listens
  exec 3<>/dev/tcp/127.0.0.1/$port || return
  printf '%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "$2" ${#3} "$3" >&3
  cat <&3
  exec 3<&- 3>&-
}
until [[ $(ask GET /readyz '' 2>/dev/null) == *' 200 '* ]]; do
  kill -0 $server
  sleep 0.1
done
for _ in 1 2 3; do
  for path in /healthz /readyz /api/posts/1 /api/posts /api/users/1 /api/users/0; do
    ask GET $path '' >>"$folder/log"
  done
  ask POST /api/auth/login '{"email":"a@c","password":"password"}' >>"$folder/log"
  ask POST /api/posts '{}' >>"$folder/log"
done
kill $server
wait $server
/opt/java/bin/java @/opt/fairground/options -Xshare:dump -XX:SharedClassListFile="$folder/classes" >>"$folder/log" 2>&1

redis-cli -p $redis_port shutdown nosave || true
as_postgres "$postgres/pg_ctl" --pgdata="$folder/data" --wait stop >>"$folder/log"
# That the archive fits is shown by a start that must use it.
/opt/java/bin/java @/opt/fairground/options -Xshare:on -version
