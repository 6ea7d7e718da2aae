#!/usr/bin/env bash
# Boots a real systemd in a container of this machine's own files and lets it start the real units:
# boot.sh FOLDER_OF_BINARIES. Needs root, systemd-nspawn and softhsm2. Prints what it saw; fails
# when the daemon does not come up, does not answer, or does not stay down when it has to.
set -euo pipefail

if [ "$(id -u)" -ne 0 ] || ! systemd-nspawn --version >/dev/null 2>&1; then
    echo "unit boot: NOT RUN: it needs root and systemd-nspawn"
    exit 0
fi
binaries=$(realpath "$1")
project=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What `make install` would put into /usr, laid over this machine's /usr.
mkdir -p "$work/usr/bin" "$work/usr/lib/systemd/system" "$work/usr/lib/sysusers.d" "$work/usr/lib/tmpfiles.d" "$work/out"
install -m 0755 "$binaries/clavigerd" "$work/usr/bin/"
cp "$project"/systemd/*.service "$project"/systemd/*.socket "$work/usr/lib/systemd/system/"
cp "$project"/systemd/sysusers.d/*.conf "$work/usr/lib/sysusers.d/"
cp "$project"/systemd/tmpfiles.d/*.conf "$work/usr/lib/tmpfiles.d/"
cat > "$work/usr/lib/systemd/system/boot-test.service" <<'UNIT'
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /mnt/project/tests/systemd/inside.sh
StandardOutput=append:/mnt/out/log
StandardError=append:/mnt/out/log
ExecStopPost=/bin/systemctl --no-block poweroff --force
UNIT

timeout 120 systemd-nspawn --quiet --register=no --keep-unit --directory=/ --volatile=yes \
    --private-network --capability=CAP_IPC_LOCK \
    --system-call-filter="@memlock seccomp memfd_secret landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
    --overlay-ro="/usr:$work/usr:/usr" --bind-ro="$project:/mnt/project" --bind="$work/out:/mnt/out" \
    --boot systemd.firstboot=no systemd.wants=boot-test.service systemd.unit=basic.target \
    systemd.show_status=no </dev/null >"$work/console" 2>&1 || true

cat "$work/out/log" 2>/dev/null || cat "$work/console"
grep -q '^all of it holds$' "$work/out/log"
