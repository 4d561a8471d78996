"""What an operator does with the package, step by step, in a clean Debian without Python or curl."""

SECRET = "Zx9-only-the-target-may-see-this"

FUNCTIONS = r"""
ini=/etc/authbridge/proxy.ini

# Asks the bridge for a path; prints the answer.
ask() {
    exec 3<>/dev/tcp/127.0.0.1/8080 || return
    printf 'GET %s HTTP/1.1\r\nHost: staging\r\nConnection: close\r\n\r\n' "$1" >&3
    timeout 5 cat <&3
}

# Waits, 10 s at most, until a command succeeds.
until_true() {
    local left=100
    until "$@"; do
        [ $((left -= 1)) -gt 0 ] || return 1
        sleep 0.1
    done
}

# Every file of the system that is not of the moment, and its groups.
snapshot() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /given -o -path /rig \
        -o -path /var/log -o -path /var/lib/dpkg -o -path /var/lib/systemd/timers \) -prune -o -print | sort
    sort /etc/group
}
"""

EDIT = rf"""
mkdir -p /etc/credstore
(umask 077; printf {SECRET} >/etc/credstore/authbridge.api-key)
sed -i -e 's,^target = .*,target = http://127.0.0.1:9000,' \
    -e 's,^; X-Request-Id.*,X-Api-Key = ${{cred:api-key}},' $ini
"""

STEPS = {
    "snapshot": "snapshot >/given/before",
    "install": "dpkg -i /given/authbridge.deb",
    "installed": "systemctl is-enabled authbridge; systemctl is-active authbridge; stat -c '%a %U:%G' $ini; "
    "stat -c '%a %n' /usr/share/man/man8/authbridge.8.gz /usr/share/man/man5/proxy.ini.5.gz "
    "/usr/share/bash-completion/completions/authbridge",
    "check": "authbridge -c $ini --check",
    "unreadable": "setpriv --reuid=65534 --regid=65534 --clear-groups cat $ini",
    # The target: the demo's, which answers with what it received. It is a bridge of its own.
    "target": "systemd-run -q --unit=target authbridge --demo --listen 127.0.0.1:9000; "
    "until_true bash -c '</dev/tcp/127.0.0.1/9000'",
    "edit": EDIT,
    "start": "systemctl enable --now authbridge",
    "ask": "ask /first",
    "try": "authbridge --target http://127.0.0.1:8080 --check --live",
    "reload": "echo 'X-More = 1' >>$ini; systemctl reload authbridge; "
    "until_true bash -c 'journalctl -u authbridge | grep -q reloaded'; ask /second",
    "upgrade": "before=$(systemctl show -P MainPID authbridge); dpkg -i /given/authbridge.deb && "
    "[ $(systemctl show -P MainPID authbridge) != $before ] && grep -c X-More $ini && stat -c '%a %U:%G' $ini",
    "after-upgrade": "systemctl is-active authbridge; ask /third",
    "remove": "dpkg -r authbridge",
    "removed": "systemctl is-active authbridge; stat -c '%a %U:%G' $ini",
    "again": "dpkg -i /given/authbridge.deb && systemctl start authbridge && ask /fourth",
    "purge": "dpkg -P authbridge",
    # The operator's own.
    "purged": "rm -r /etc/credstore; systemctl stop target; snapshot | diff /given/before -",
}
STEPS = {name: ". /given/functions\n" + step for name, step in STEPS.items()}
