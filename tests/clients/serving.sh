# Sourced by the scripts of this folder: a server for one client, and the checks that they share.

# start_server PROGRAM PLACE ANSWERS [OPTION...]: sets `url` once the model is loaded; the server
# ends with the script. Its log is PLACE/server.log.
start_server() {
  local program=$1 place=$2 answers=$3
  shift 3
  "$program" serve --port 0 --scripted-answers "$answers" "$@" \
    >"$place/server.out" 2>"$place/server.log" &
  server=$!
  trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
  while ! grep -q '^ready: ' "$place/server.out"; do
    if ! kill -0 "$server" 2>/dev/null; then
      cat "$place/server.log"
      return 1
    fi
    sleep 0.1
  done
  url=$(sed -n 's/^ready: .* at //p' "$place/server.out")
}

# log_values PLACE ROUTE NAME: the values of NAME in the log lines of a route, one a line.
log_values() {
  grep -F " $2 200 " "$1/server.log" | sed -n "s/.* $3=\([^ ]*\).*/\1/p"
}

fail() {
  echo "  $*"
  exit 1
}

need_npm() {
  command -v npm >/dev/null && return
  echo "  there is no npm here: this client was not tried"
  exit 77
}
