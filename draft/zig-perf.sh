set -a; . <(W/help/services.sh urls zig); HOST=127.0.0.1 LOG_LEVEL=warn; set +a
I="chrt -i 0 nice -n 19"
PORT=18201 $I W/help/zig-venv/out/bin/api & N=$!
PORT=18202 $I W/help/zig-venv/old/bin/api >/dev/null & O=$!
PORT=18203 $I W/help/zig-venv/out/bin/floor & F=$!
PORT=18204 $I W/help/zig-venv/out/bin/redis-floor & R=$!
sleep 6
for r in 1 2; do
for p in "/api/posts/7 20000" "/api/users/7 12000" "/api/posts?limit=20&before=5000 6000" "/api/posts 8000"; do
 set -- $p
 echo -n "new "; $I python3 W/help/zig-load.py 18201 $N "$1" $2
 echo -n "old "; $I python3 W/help/zig-load.py 18202 $O "$1" $2
done
echo -n "floor "; $I python3 W/help/zig-load.py 18203 $F /api/posts/7 20000
echo -n "rfloor "; $I python3 W/help/zig-load.py 18204 $R /api/posts/7 20000
done
kill $N $O $F $R
