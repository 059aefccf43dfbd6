#!/usr/bin/env bash
# Installs what test/clients runs: boto3, AWS CLI v1, programs built on boto3, and a NATS server (requirements.txt) into a virtual
# environment (argument 1), the SDK for JavaScript and loggers (js/) into its folder js, AWS CLI v2 from Debian's package unless an
# `aws` of version 2 is on the PATH already. Run it again at will: it does only what is missing.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
venv="${1:?usage: install.sh VENV_DIRECTORY}"

sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo"
install() { DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

stamp="$venv/.installed"
if ! cmp -s "$here/requirements.txt" "$stamp"; then
  echo "installing boto3, AWS CLI v1 and programs on them into $venv"
  if ! python3 -c 'import ensurepip' 2>/dev/null; then
    $sudo apt-get update -qq
    install python3 python3-venv
  fi
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$stamp"
fi

if ! node="$(command -v node)" || ! command -v npm >/dev/null; then
  echo "install Node.js 20 or newer with npm" >&2
  exit 1
fi
ln -sfn "$node" "$venv/bin/node"
if ! cmp -s "$here/js/package-lock.json" "$venv/js/.installed"; then
  echo "installing the AWS SDK for JavaScript and loggers into $venv/js"
  mkdir -p "$venv/js"
  cp "$here/js/package.json" "$here/js/package-lock.json" "$venv/js/"
  (cd "$venv/js" && npm ci --silent --no-audit --no-fund --ignore-scripts)
  cp "$here/js/package-lock.json" "$venv/js/.installed"
fi

is_v2() { [ -x "$1" ] && "$1" --version 2>&1 | grep -q '^aws-cli/2'; }
v2=""
for candidate in "${AWS_CLI_V2:-}" $(type -aP aws || true) /usr/bin/aws /usr/local/bin/aws; do
  if [ -n "$candidate" ] && is_v2 "$candidate"; then v2="$candidate"; break; fi
done
if [ -z "$v2" ]; then
  if ! command -v apt-get >/dev/null; then
    echo "install AWS CLI v2 and put it on the PATH (or name it in AWS_CLI_V2)" >&2
    exit 1
  fi
  echo "installing AWS CLI v2 (Debian package awscli)"
  $sudo apt-get update -qq
  install awscli
  v2=/usr/bin/aws
  is_v2 "$v2" || { echo "the package awscli brought no AWS CLI v2" >&2; exit 1; }
fi
ln -sfn "$v2" "$venv/bin/aws2"
