#!/usr/bin/env bash
# Runs in the booted container: installs as docs/operating.md says, starts the units, looks.
set -euo pipefail
trap 'echo "FAILED at line $LINENO"' ERR
fail() { echo "FAILED: $1"; journalctl --no-pager -u clavigerd.service -n 60 -o cat; exit 1; }
ok() { echo "ok: $1"; }

systemd-sysusers && systemd-tmpfiles --create /usr/lib/tmpfiles.d/claviger.conf
install -m 0640 -g claviger /mnt/project/systemd/claviger.toml /etc/claviger/
printf 'directories.tokendir = /var/lib/claviger/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' > /etc/claviger/softhsm2.conf
pin=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
setpriv --reuid=claviger --regid=claviger --clear-groups env SOFTHSM2_CONF=/etc/claviger/softhsm2.conf \
    softhsm2-util --init-token --free --label claviger --so-pin "$pin" --pin "$pin" >/dev/null
credential() { printf %s "$1" | systemd-creds encrypt --with-key=host --name=hsm-pin - - 2>/dev/null > /etc/credstore.encrypted/claviger.hsm-pin; }
systemd-creds setup >/dev/null 2>&1
credential "$pin"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -config <(printf '[req]\ndistinguished_name = dn\n[dn]\n') \
    -keyout /etc/claviger/tls/server-key.pem -out /etc/claviger/tls/server.pem
chmod 600 /etc/claviger/tls/server-key.pem
chmod 644 /etc/claviger/tls/server.pem
install -D -m 0644 /mnt/project/systemd/profiles/softhsm2.conf /etc/systemd/system/clavigerd.service.d/profile.conf
systemctl daemon-reload

systemctl start clavigerd-metrics.socket clavigerd.socket clavigerd.service || fail "the units do not start"
ok "started: $(systemctl show -P ActiveState clavigerd.service), $(systemctl show -P StatusText clavigerd.service)"
ask() { curl --silent --show-error --fail --max-time 20 --cacert /etc/claviger/tls/server.pem "https://localhost:8443$1"; }
ask /api/system/status || fail "it does not answer"; echo
ask /api/auth/init >/dev/null || fail "the token was not provisioned"
ok "answers through the socket that systemd holds"
[ "$(curl --silent --output /dev/null --write-out '%{http_code}' http://localhost:8443/)" = 418 ] || fail "plain is not 418"
ok "plain is 418"

curl --silent --fail http://127.0.0.1:9464/health/ready || fail "it is not ready"; echo
ok "ready, and says so through the socket for metrics"

pid=$(systemctl show -P MainPID clavigerd.service)
worker=$(pgrep -P "$pid")
[ "$(stat -c %U /proc/"$pid")" = claviger ] || fail "it runs as somebody else"
grep -q 'Seccomp:.*2' "/proc/$worker/status" || fail "the worker has no seccomp filter"
ok "daemon $pid and worker $worker run as claviger, filtered"
kill -9 "$pid"
ask /api/system/status >/dev/null || fail "it did not come back after kill -9"
ok "comes back after kill -9; the client waited at the socket"
systemctl stop clavigerd.service || fail "it does not stop"
[ "$(systemctl show -P Result clavigerd.service)" = success ] || fail "it did not stop in order"
ok "stops in order"
files=$(ls /var/lib/claviger/audit | grep -c '\.log$')
[ "$files" = 2 ] || fail "$files log files after two starts"
ok "one log file a start"

credential 00000000
systemctl start clavigerd.service 2>/dev/null && fail "it starts with a wrong PIN"
sleep 2
[ "$(systemctl show -P ExecMainStatus clavigerd.service)" = 77 ] || fail "a wrong PIN is not 77 but $(systemctl show -P ExecMainStatus clavigerd.service)"
[ "$(systemctl show -P ActiveState clavigerd.service)" != activating ] || fail "it tries a wrong PIN again"
ok "a wrong PIN stays down with 77"
echo "all of it holds"
