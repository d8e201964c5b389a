# Sourced in the repository's root, by the scripts beside it or by a person: puts the pinned Bun on PATH and installs
# the packages of the lock file. Needs git, a shell, and npm or curl. Everything it fetches lands in .bun/ and
# node_modules/.

ROOT=$(pwd)
if [ ! -f "$ROOT/scripts/setup.sh" ]; then
  echo "setup: source scripts/setup.sh in the repository's root, not in $ROOT" >&2
  exit 1
fi
BUN_VERSION=$(sed -n 's/.*"packageManager": *"bun@\([^"]*\)".*/\1/p' package.json)

bun_is_pinned() {
  [ "$("$1" --version 2>/dev/null)" = "$BUN_VERSION" ]
}

# The npm package `bun` is a launcher; the executable itself is in the package of this platform.
local_bun() {
  for candidate in "$ROOT"/.bun/bin/bun "$ROOT"/.bun/node_modules/@oven/bun-*/bin/bun; do
    if [ -x "$candidate" ] && bun_is_pinned "$candidate"; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

fetch_bun() {
  mkdir -p "$ROOT/.bun"
  if command -v npm >/dev/null 2>&1; then
    echo "setup: fetching bun $BUN_VERSION with npm" >&2
    # npm takes a package for whole whose unpacking was cut off, so what is there goes first.
    rm -rf "$ROOT/.bun/node_modules"
    npm install --prefix "$ROOT/.bun" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "bun@$BUN_VERSION" >&2 || true
    local_bun >/dev/null && return 0
  fi
  if command -v curl >/dev/null 2>&1; then
    echo "setup: fetching bun $BUN_VERSION with its installer" >&2
    curl -fsSL https://bun.sh/install | BUN_INSTALL="$ROOT/.bun" bash -s "bun-v$BUN_VERSION" >&2
  fi
}

if command -v bun >/dev/null 2>&1 && bun_is_pinned bun; then
  BUN=$(command -v bun)
else
  local_bun >/dev/null || fetch_bun
  BUN=$(local_bun) || {
    echo "setup: cannot get bun $BUN_VERSION: neither npm nor curl reached it" >&2
    exit 1
  }
fi
PATH=$(dirname "$BUN"):$ROOT/node_modules/.bin:$PATH
export PATH

# Several scripts may start at once in one checkout; the lock file makes a second install a look only.
bun install --frozen-lockfile --silent || {
  echo "setup: cannot install the packages of the lock file" >&2
  exit 1
}
