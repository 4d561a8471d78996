#!/bin/sh
# Installs what is missing to build, test, lint, measure, compare or package authbridge:
# install-deps.sh build|test|lint|fuzz|bench|peers|package...
# Debian and its kin: apt-get, with sudo when not root. Elsewhere it names the packages.
set -eu

# Debian package, and how to see that what it gives is there already.
build='build-essential:command:cc
make:command:make
pkg-config:command:pkg-config
libcurl4-openssl-dev:module:libcurl
libinih-dev:module:inih
libssl-dev:module:libssl
libcrypt-dev:module:libcrypt
libjansson-dev:module:jansson'
test='libcmocka-dev:module:cmocka
python3:command:/usr/bin/python3
python3-pytest:python:pytest
python3-pytest-xdist:python:xdist
python3-requests:python:requests
python3-websockets:python:websockets
python3-hypothesis:python:hypothesis
python3-selenium:python:selenium
chromium:command:chromium
chromium-driver:command:chromedriver
curl:command:curl
wget:command:wget
git:command:git
nodejs:command:node
nginx-light:command:/usr/sbin/nginx
prometheus:command:promtool
openssl:command:openssl
haproxy:command:/usr/sbin/haproxy
procps:command:ps
util-linux:command:prlimit
systemd:command:systemctl
dbus:command:dbus-daemon'
lint='clang:command:clang
lld:command:ld.lld
clang-format:command:clang-format
clang-tidy:command:clang-tidy
cppcheck:command:cppcheck
shellcheck:command:shellcheck
mandoc:command:mandoc'
fuzz='clang:command:clang
libclang-rt-dev:fuzzer:libFuzzer'
bench='wrk:command:wrk
nginx-light:command:/usr/sbin/nginx
haproxy:command:/usr/sbin/haproxy
apache2-bin:command:/usr/sbin/apache2
caddy:command:caddy
openssl:command:openssl
ca-certificates:file:/etc/ssl/certs/ca-certificates.crt
python3:command:/usr/bin/python3'
peers='nginx-light:command:/usr/sbin/nginx
haproxy:command:/usr/sbin/haproxy
apache2-bin:command:/usr/sbin/apache2
caddy:command:caddy
python3:command:/usr/bin/python3'
package='debhelper:command:dh
dpkg-dev:command:dpkg-buildpackage
fakeroot:command:fakeroot
lintian:command:lintian
debootstrap:command:/usr/sbin/debootstrap'

is_there() { # kind, name
    case $1 in
    command) command -v "$2" >/dev/null 2>&1 ;;
    file) [ -f "$2" ] ;;
    module) pkg-config --exists "$2" 2>/dev/null ;;
    python) /usr/bin/python3 -c "import $2" 2>/dev/null ;;
    fuzzer) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -fsanitize=fuzzer -x c -o /dev/null - 2>/dev/null ;;
    esac
}

missing=
for purpose in "$@"; do
    case $purpose in
    build) list=$build ;;
    test) list=$test ;;
    lint) list=$lint ;;
    fuzz) list=$fuzz ;;
    bench) list=$bench ;;
    peers) list=$peers ;;
    package) list=$package ;;
    *)
        echo "install-deps.sh: give build, test, lint, fuzz, bench, peers or package, not $purpose" >&2
        exit 64
        ;;
    esac
    for entry in $list; do
        name=${entry%%:*}
        check=${entry#*:}
        is_there "${check%%:*}" "${check#*:}" || missing="$missing $name"
    done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "authbridge needs these packages (Debian's names):$missing" >&2
    echo "Install your system's equivalents and try again." >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null 2>&1; then
        echo "authbridge needs packages; as root, run: apt-get install$missing" >&2
        exit 1
    fi
fi
echo "authbridge: installing what is missing, by ${as_root:+$as_root }apt-get:$missing"
$as_root apt-get -qq update
# Servers are installed to be started by tests: no service of theirs runs (RUNLEVEL tells
# invoke-rc.d so), nor will at the next boot.
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get -qq -y --no-install-recommends install $missing >/dev/null
if [ -d /run/systemd/system ]; then
    for package in $missing; do
        case $package in
        nginx-light) $as_root systemctl disable --quiet --now nginx ;;
        haproxy | caddy | prometheus) $as_root systemctl disable --quiet --now "$package" ;;
        esac
    done
fi
