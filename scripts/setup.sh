#!/usr/bin/env bash
# Brings what the tests need beyond Node: Debian's Chromium and curl, for the pages and for `access curl`.
set -euo pipefail
need=()
[ -x /usr/bin/chromium ] || need+=(chromium)
command -v curl >/dev/null || need+=(curl)
command -v wget >/dev/null || need+=(wget)
[ ${#need[@]} -gt 0 ] || { echo "Nothing to bring: chromium, curl and wget are here."; exit 0; }
sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo"
$sudo apt-get update
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends "${need[@]}"
