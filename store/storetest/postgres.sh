# Runs PostgreSQL from $1 in $2 until standard input ends, then removes $2.
# It listens on a socket in $2 alone, so that no port can be taken and nobody else can come in by the network.
trap '' HUP INT TERM
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions >"$2/log" 2>&1 &&
"$1/pg_ctl" start -D "$2/data" -w -t 60 -l "$2/log" -o "-c listen_addresses='' -k '$2' -c max_connections=300 \
  -c shared_buffers=32MB -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off -c full_page_writes=off" >/dev/null 2>&1 &&
echo ready
read -r _
"$1/pg_ctl" stop -D "$2/data" -m immediate >/dev/null 2>&1
rm -rf "$2"
