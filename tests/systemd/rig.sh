#!/bin/bash
# rig.sh - boot a REAL systemd (the host's own binaries) as PID 1 of a throw-away container, copy in
# a binary + units + config, run commands inside, print their output, power off, clean up.  Bounded time.
#
#   rig.sh [options] [--] 'command' 'command' ...
#     -u FILE            unit file (or FILE:NAME) -> /etc/systemd/system/   (repeatable; .d directories too)
#     -c SRC:DEST[:MODE[:OWNER]]  copy file or directory into the container (repeatable; parents are made)
#     -e UNIT            enable UNIT before boot (started at boot if wanted by multi-user/sockets/...)  (repeatable)
#     -f FILE            one command per line (# comments); run before those on the command line
#     -T SEC             limit for the whole thing (default 120)      -t SEC   limit per command (default 30)
#     -E unshare|nspawn  engine (default unshare: util-linux only; nspawn needs systemd-nspawn of the host's version,
#                        from $RIG_NSPAWN, PATH, or `apt-get download`ed into a temporary directory, not installed)
#     -N                 share the host's network (default: own netns, only lo)
#     -q                 do not print "+ command" / "[rc=N]"
#   Env: RIG_LOWER=DIR   use another rootfs (debootstrap, ...) as read-only lower layer instead of /
# Exit: 0 all commands rc 0; 1 some command failed; 124 out of time; 125 could not boot.
# Host is left alone: private mount namespace, upper layer on tmpfs, own cgroup2 subtree (killed with cgroup.kill).
set -u
die(){ echo "systemd-rig: $*" >&2; exit 125; }
[ "$(id -u)" = 0 ] || die "must be root"
# shellcheck disable=SC2317,SC2034 # traps call it; i only counts
sweep(){ local i; [ ! -d "$1" ] || { echo 1 >"$1/cgroup.kill"      # kills exactly what was started, nothing else
    for i in {1..50}; do find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; [ -d "$1" ] || break; sleep .1; done; }; }
if [ "${RIG_STAGE:-0}" = 0 ]; then                      # stage 0: private mount ns; sweep up whatever happens
    export RIG_STAGE=1 RIG_ID=sdrig-$$ RIG_B; P=; RIG_B=$(mktemp -d /tmp/sdrig.XXXXXX) || exit 125
    C0=$(awk '$3=="cgroup2"{print $2;exit}' /proc/mounts)
    trap '[ -z "$P" ] || kill -TERM $P 2>/dev/null; [ -z "$C0" ] || sweep "$C0/$RIG_ID"; rmdir "$RIG_B" 2>/dev/null' EXIT; trap 'exit 143' TERM INT HUP
    setpriv --pdeathsig TERM unshare --mount --propagation private -- bash "$0" "$@" & P=$!
    wait $P; r=$?; P=; exit $r
fi
B=$RIG_B R=$RIG_B/root ENGINE=unshare T=120 CT=30 NET=1 Q=0 UNITS=() COPY=() ENABLE=() CMDS=()
while getopts u:c:e:f:T:t:E:Nq o; do case $o in
    u) UNITS+=("$OPTARG");; c) COPY+=("$OPTARG");; e) ENABLE+=("$OPTARG");; T) T=$OPTARG;; t) CT=$OPTARG;;
    f) while IFS= read -r l || [ -n "$l" ]; do case $l in ''|'#'*) ;; *) CMDS+=("$l");; esac; done <"$OPTARG";;
    E) ENGINE=$OPTARG;; N) NET=0;; q) Q=1;; *) exit 125;; esac; done
shift $((OPTIND-1)); CMDS+=("$@"); [ ${#CMDS[@]} -gt 0 ] || die "no commands"
END=$((SECONDS+T)); umask 022
# --- private view of the host: pure cgroup2, no traces in /run -------------------------------------------------
mount -n -t tmpfs -o mode=755 rig /run || die "tmpfs"      # first: libmount and nspawn write to /run
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup || die "no cgroup2"
CG=/sys/fs/cgroup/$RIG_ID; mkdir "$CG" || die "cgroup"; [ -w "$CG/cgroup.kill" ] || die "no cgroup.kill (Linux >= 5.14)"
trap 'sweep "$CG"; umount -l "$B"; rmdir "$B"' EXIT; trap 'exec 2>/dev/null; exit 143' TERM INT HUP
# --- rootfs: overlay of the host's / -----------------------------------------------------------------------------
mount -t tmpfs -o size=1g,mode=755 rig "$B" || die "tmpfs"; mkdir "$B"/{up,work,root}
mount -t overlay -o "lowerdir=${RIG_LOWER:-/},upperdir=$B/up,workdir=$B/work" rig "$R" || die "overlay"
S=$R/etc/systemd/system
rm -rf "$S" "$R/etc/machine-id" "$R"/var/log/journal "$R"/etc/systemd/system.control      # host's enabled units must not start
mkdir -p "$S" "$R/rig" "$R/etc/systemd/journald.conf.d" "$R/etc/systemd/system.conf.d"
UUID=$(tr -d - </proc/sys/kernel/random/uuid); echo "$UUID" >"$R/etc/machine-id"; echo rig >"$R/etc/hostname"; echo "127.0.0.1 rig" >>"$R/etc/hosts"; : >"$R/etc/fstab"
printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\nForwardToConsole=no\nSyncIntervalSec=1s\n' >"$R/etc/systemd/journald.conf.d/rig.conf"
printf '[Manager]\nDefaultTimeoutStopSec=8s\nLogLevel=info\n' >"$R/etc/systemd/system.conf.d/rig.conf"
for u in systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount kmod-static-nodes.service \
    systemd-udevd.service systemd-udev-trigger.service systemd-udevd-{kernel,control}.socket sys-kernel-{debug,tracing,config}.mount sys-fs-fuse-connections.mount \
    dev-hugepages.mount systemd-random-seed.service systemd-pstore.service systemd-hwdb-update.service systemd-remount-fs.service systemd-timesyncd.service \
    systemd-firstboot.service systemd-machine-id-commit.service systemd-update-utmp.service systemd-journal-flush.service systemd-journald-audit.socket \
    systemd-initctl.socket systemd-ask-password-console.path systemd-tmpfiles-clean.timer systemd-repart.service systemd-logind.service; do ln -s /dev/null "$S/$u"; done
cat >"$S/rig.target" <<'E'
[Unit]
Description=rig
Requires=basic.target
Wants=dbus.service rig-run.service
After=basic.target dbus.service
AllowIsolate=yes
E
cat >"$S/rig-run.service" <<'E'
[Unit]
Description=rig command runner
After=basic.target dbus.service sockets.target
DefaultDependencies=no
[Service]
Type=exec
ExecStart=/bin/bash /rig/run.sh
StandardOutput=append:/rig/out
StandardError=inherit
KillMode=control-group
E
ln -s rig.target "$S/default.target"
for c in ${COPY[@]+"${COPY[@]}"}; do IFS=: read -r src dst mode own <<<"$c"; [ -n "$dst" ] || dst=$src
    [ -e "$src" ] || die "no $src"; mkdir -p "$R$(dirname "$dst")"; rm -rf "$R$dst"; cp -aL "$src" "$R$dst" || die "copy $c"
    chown -R "${own:-root:root}" "$R$dst"; [ -n "${mode:-}" ] && chmod "$mode" "$R$dst"; done
for u in ${UNITS[@]+"${UNITS[@]}"}; do src=${u%%:*} n=${u##*:}; n=${n##*/}; cp -rL "$src" "$S/$n" || die "unit $u"; chown -R root:root "$S/$n"; chmod -R go=rX,u=rwX "$S/$n"; done
for e in ${ENABLE[@]+"${ENABLE[@]}"}; do systemctl --root="$R" -q enable "$e" || die "enable $e"; done
[ -d "$S/multi-user.target.wants" ] && mkdir -p "$S/rig.target.wants" && cp -a "$S"/multi-user.target.wants/* "$S/rig.target.wants/"
: >"$R/rig/out"
{ echo "cd /; export SYSTEMD_PAGER= SYSTEMD_COLORS=0 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb; : >/rig/booted; F=0"
  # shellcheck disable=SC2028 # expanded over there
  echo "r(){ [ $Q = 1 ] || printf '\n+ %s\n' \"\$1\"; timeout -k 2 $CT bash -c \"\$1\" </dev/null; local rc=\$?; [ \$rc = 0 ] || { F=1; [ $Q = 1 ] || echo \"[rc=\$rc]\"; }; }"
  for c in "${CMDS[@]}"; do printf 'r %q\n' "$c"; done
  # shellcheck disable=SC2016 # expanded over there
  echo 'echo $F >/rig/rc.tmp; mv /rig/rc.tmp /rig/rc; systemctl --no-block --job-mode=replace-irreversibly start poweroff.target'; } >"$R/rig/run.sh"
# --- engines -----------------------------------------------------------------------------------------------------
if [ "$ENGINE" = nspawn ]; then
    N=${RIG_NSPAWN:-$(command -v systemd-nspawn)}
    if [ -z "$N" ]; then v=$(dpkg-query -W -f '${Version}' systemd); mkdir "$B/deb"; (cd "$B/deb" && apt-get -qq download "systemd-container=$v" 2>/dev/null && dpkg-deb -x ./*.deb .) || die "no systemd-nspawn"
        N=$B/deb/usr/bin/systemd-nspawn; fi
    O=(--private-network); [ $NET = 1 ] || O=()
    ( echo $BASHPID >"$CG/cgroup.procs"; exec "$N" -q -D "$R" --boot --register=no --keep-unit ${O[@]+"${O[@]}"} --link-journal=no --resolv-conf=off --timezone=off \
        --machine=rig --uuid="$UUID" --console=pipe --kill-signal=SIGRTMIN+3 --system-call-filter='@keyring bpf' ) >"$B/console" 2>&1 </dev/null &
else
    cat >"$B/init.sh" <<'E'
set -e; R=$1 UUID=$2 NET=$3
mount --bind "$R" "$R"; cd "$R"; mkdir -p proc sys dev run tmp
mount -t proc -o nosuid,nodev,noexec proc proc
mount --bind proc/sys proc/sys; [ $NET = 0 ] || mount --bind proc/sys/net proc/sys/net; mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
mount -t tmpfs -o nosuid,mode=755 tmpfs dev
for n in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do IFS=: read -r a b c <<<"$n"; mknod -m 666 dev/$a c $b $c; done
mkdir dev/pts dev/shm dev/mqueue; mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5,nosuid,noexec devpts dev/pts; ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs dev/shm; ln -s /proc/self/fd dev/fd; for i in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/${i%:*} dev/${i#*:}; done
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs run; mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs tmp
for f in sysrq-trigger kcore kallsyms kmsg timer_list; do [ ! -e proc/$f ] || mount --bind dev/null proc/$f; done
mkdir -p .old; pivot_root . .old; cd /; umount -l /.old; rmdir /.old; mount --make-rshared /
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=rig container_uuid=$UUID LANG=C.UTF-8 /lib/systemd/systemd --system --unit=rig.target
E
    mkdir "$CG/payload"; O=(--net); [ $NET = 1 ] || O=()
    ( echo $BASHPID >"$CG/payload/cgroup.procs"; exec unshare --cgroup --pid --mount --uts --ipc ${O[@]+"${O[@]}"} --fork --kill-child --propagation private \
        bash "$B/init.sh" "$R" "$UUID" $NET ) >"$B/console" 2>&1 </dev/null &
fi
K=$!; tail --pid=$K -s .1 ---disable-inotify -n +1 -f "$R/rig/out" 2>/dev/null & TP=$!
RC=''
while kill -0 $K 2>/dev/null; do
    [ -e "$R/rig/rc" ] && [ -z "$RC" ] && { RC=$(<"$R/rig/rc"); [ $END -gt $((SECONDS+15)) ] && END=$((SECONDS+15)); }
    [ $SECONDS -lt $END ] || { [ -n "$RC" ] && echo "systemd-rig: power-off took over 15 s, killed" >&2; break; }; sleep .1
done
[ -z "$RC" ] && [ -e "$R/rig/rc" ] && RC=$(<"$R/rig/rc")
echo 1 >"$CG/cgroup.kill"; wait $K 2>/dev/null; wait $TP 2>/dev/null
if [ -z "$RC" ]; then if [ -e "$R/rig/booted" ]; then echo "systemd-rig: out of time (${T}s) or container died" >&2; RC=124
    else echo "systemd-rig: did not boot; console:" >&2; tail -n 40 "$B/console" >&2; RC=125; fi; fi
exit "$RC"
