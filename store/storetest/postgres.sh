# Runs PostgreSQL from $1 in $2 until standard input ends, then removes $2.
# It listens on a socket in $2 alone, so that no port can be taken and nobody else can come in by the network.
trap '' HUP INT TERM
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions >"$2/log" 2>&1 || exit
"$1/postgres" -D "$2/data" -c listen_addresses='' -k "$2" -c max_connections=300 -c shared_buffers=32MB -c wal_level=minimal \
  -c max_wal_senders=0 -c autovacuum=off -c full_page_writes=off >>"$2/log" 2>&1 </dev/null &
postgres=$!
until "$1/pg_isready" -q -h "$2" -U postgres -d postgres; do
  kill -0 $postgres 2>/dev/null || exit
  sleep 0.02
done
echo ready
read -r _
kill -QUIT $postgres # at once; nothing of it is kept
wait $postgres
rm -rf "$2"
