# A private PostgreSQL cluster that lives as long as somebody holds this script's standard input.
#   $1 the folder of initdb and postgres, $2 the folder for data and socket
# PostgreSQL refuses to run as root; then the user `postgres` or `nobody` runs it.
set -eu
binaries=$1
folder=$2
as=
if [ "$(id -u)" -eq 0 ]; then
    user=nobody
    if id postgres >/dev/null 2>&1; then user=postgres; fi
    chown "$user" "$folder"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
fi
cd "$folder"
$as "$binaries/initdb" --pgdata=data --username=voilage --auth=trust --encoding=UTF8 --locale=C \
    >initdb.log 2>&1
$as "$binaries/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= \
    -c max_connections=200 >postgres.log 2>&1 &
server=$!
trap 'kill -INT $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$folder"' EXIT
# A test that is stopped takes its cluster along.
trap 'exit 1' HUP INT TERM
until "$binaries/pg_isready" -q -h "$folder" -U voilage -d postgres; do
    kill -0 $server 2>/dev/null || { cat postgres.log >&2; exit 1; }
done
echo ready
cat >/dev/null
