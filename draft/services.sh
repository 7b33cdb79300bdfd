#!/usr/bin/env bash
# services.sh start|stop|urls|freeze-redis|thaw-redis|stop-redis|start-redis|freeze-pg|thaw-pg|stop-pg|start-pg NAME
# PostgreSQL 15 and Redis of Debian, one pair per NAME, seeded, on 127.0.0.1.
set -eu
verb=$1; name=$2
case $name in rust) n=11;; go) n=12;; zig) n=13;; kotlin) n=14;; contract) n=15;; diff) n=16;; bench) n=17;; old) n=18;; *) n=$((20 + $(echo "$name" | cksum | cut -c1-2)));; esac
dir=W/help/svc/$name; pgport=55$n; rport=65$n; bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
idle="chrt -i 0 nice -n 19"
as() { runuser -u postgres -- "$@"; }
startpg() { as $idle $bin/pg_ctl -D $dir/pg -l $dir/pg.log -w -o "-c port=$pgport -c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir -c max_connections=${MAXC:-200} -c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track_utility=off -c fsync=off" start >/dev/null; }
startredis() { $idle redis-server --port $rport --bind 127.0.0.1 --requirepass secret --save '' --appendonly no --daemonize yes --dir $dir --pidfile $dir/redis.pid --logfile $dir/redis.log >/dev/null; }
case $verb in
start)
  if [ ! -d $dir/pg ]; then
    mkdir -p $dir; chown postgres $dir
    echo secret > $dir/pw; chown postgres $dir/pw
    as $idle $bin/initdb -D $dir/pg -U fairground --pwfile=$dir/pw -A scram-sha-256 -E UTF8 --locale=C.UTF-8 >/dev/null
    startpg
    export PGPASSWORD=secret
    createdb -h 127.0.0.1 -p $pgport -U fairground fairground
    psql -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p $pgport -U fairground -d fairground -f W/main/apis/contract/schema.sql
    psql -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p $pgport -U fairground -d fairground -f W/help/svc/seed.sql
    psql -q -h 127.0.0.1 -p $pgport -U fairground -d fairground -c 'CREATE EXTENSION pg_stat_statements'
    mkdir -p $dir/uploads
  else startpg || true; fi
  startredis
  echo "DATABASE_URL=postgres://fairground:secret@127.0.0.1:$pgport/fairground"
  echo "REDIS_URL=redis://:secret@127.0.0.1:$rport/0"
  echo "UPLOAD_DIR=$dir/uploads"
  echo "JWT_SECRET=0123456789abcdef0123456789abcdef";;
urls)
  echo "DATABASE_URL=postgres://fairground:secret@127.0.0.1:$pgport/fairground"
  echo "REDIS_URL=redis://:secret@127.0.0.1:$rport/0"
  echo "UPLOAD_DIR=$dir/uploads"
  echo "JWT_SECRET=0123456789abcdef0123456789abcdef";;
stop) kill $(cat $dir/redis.pid) || true; as $bin/pg_ctl -D $dir/pg -m fast stop >/dev/null || true;;
freeze-redis) kill -STOP $(cat $dir/redis.pid);;
thaw-redis) kill -CONT $(cat $dir/redis.pid);;
stop-redis) kill $(cat $dir/redis.pid);;
start-redis) startredis;;
freeze-pg) p=$(head -1 $dir/pg/postmaster.pid); kill -STOP $p $(pgrep -P $p);;
thaw-pg) p=$(head -1 $dir/pg/postmaster.pid); kill -CONT $p $(pgrep -P $p);;
stop-pg) as $bin/pg_ctl -D $dir/pg -m fast stop >/dev/null;;
start-pg) startpg;;
esac
