#!/usr/bin/env bash
# Brings what the tests need beyond Node, from Debian's packages: Chromium for the pages, curl and wget for
# `access curl` and `access put` (HTTPie, too), OpenSSL for test certificates, proxies to stand in front, and what
# the sample origins are written in, a C compiler for a disk that is slow, sqlite3 for the backup,
# systemd for its unit, PostgreSQL and OpenSSH behind `tcp://` and `ssh://`, zsh and fish for completion,
# a keychain on a session bus, tmux for what a login looks like, Prometheus for the alert rules.
# With --bench also what the measurements need.
set -euo pipefail
case "${1:-}" in
  "" | --bench) ;;
  *) echo "usage: setup.sh [--bench]" >&2; exit 2 ;;
esac

need=()
has() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]; }
has chromium || need+=(chromium)
has curl || need+=(curl)
has wget || need+=(wget)
has http || need+=(httpie)
has rsync || need+=(rsync)
has redis-server && has redis-cli || need+=(redis-server redis-tools)
has unshare || need+=(util-linux)
has openssl || need+=(openssl)
has nginx || need+=(nginx)
has haproxy || need+=(haproxy)
has caddy || need+=(caddy)
has apache2 && [ -f /usr/lib/apache2/modules/mod_auth_openidc.so ] || need+=(apache2 libapache2-mod-auth-openidc)
has sqlite3 || need+=(sqlite3)
has systemd-analyze || need+=(systemd)
has psql && ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || need+=(postgresql postgresql-client)
has sshd || need+=(openssh-server)
has ssh || need+=(openssh-client)
has zsh || need+=(zsh)
has fish || need+=(fish)
has promtool && has prometheus || need+=(prometheus)
has mandoc || need+=(mandoc)
has man && has lexgrog && has groff || need+=(man-db groff)
has lintian || need+=(lintian)
has ruby || need+=(ruby)
has git || need+=(git)
has tmux || need+=(tmux)
has git-lfs || need+=(git-lfs)
has http || need+=(httpie)
has rsync || need+=(rsync)
has redis-server && has redis-cli || need+=(redis-server redis-tools)
has npm || need+=(npm)
has kubectl || need+=(kubernetes-client)
[ -d /usr/lib/python3/dist-packages/pip ] || need+=(python3-pip)
has dbus-daemon || need+=(dbus-daemon)
has dbus-send || need+=(dbus-bin)
has gnome-keyring-daemon || need+=(gnome-keyring)
has cc || need+=(gcc libc6-dev)
has go || need+=(golang-go)
/usr/bin/python3 -c "import jwt, cryptography" 2>/dev/null || need+=(python3 python3-jwt python3-cryptography)
if [ "${1:-}" = --bench ]; then
  has wrk || need+=(wrk)
  has taskset || need+=(util-linux)
  has socat || need+=(socat)
  has h2load || need+=(nghttp2-client)
fi
[ ${#need[@]} -gt 0 ] || { echo "Nothing to bring: everything is here."; exit 0; }
has apt-get || { echo "Not a Debian system. Install by hand: ${need[*]}" >&2; exit 1; }

sudo=""
if [ "$(id -u)" != 0 ]; then
  has sudo || { echo "Needs root. Run: apt-get install ${need[*]}" >&2; exit 1; }
  sudo="sudo"
fi
bring() {
  $sudo apt-get -q update || return 1
  # RUNLEVEL=1: nginx, HAProxy, Caddy, Apache and Prometheus are wanted as programs; no service is to be started.
  $sudo env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${need[@]}"
}
echo "Bringing: ${need[*]}"
bring || { echo "That failed; once more." >&2; sleep 5; bring; }
