"""A clean Debian in a folder, and a real systemd booted on top of it for as long as some commands take."""

import os
import re
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build"
RIG = REPOSITORY / "tests" / "systemd" / "rig.sh"
BOOTSTRAP_SECONDS = 300
RIG_SECONDS = 120


class Missing(Exception):
    """Something that this machine would have to have."""


def output_of(*command, seconds=60):
    """What a command prints; Missing when it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True)
    except (OSError, subprocess.SubprocessError) as trouble:
        raise Missing(f"{command[0]}: {getattr(trouble, 'stderr', None) or trouble}") from trouble
    return done.stdout


def mirror():
    """Where apt on this machine gets this release from: (suite, address)."""
    suite = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    if not suite:
        raise Missing("a release with a code name")
    listed = output_of("apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)")
    for line in listed.splitlines():
        release, component, address = line.split(" ", 2)
        if (release, component) == (suite[1], "main"):
            return suite[1], address
    raise Missing(f"{suite[1]} in apt's configuration")


def proxy():
    """The proxy that apt goes through, for debootstrap's environment."""
    shell = output_of("apt-config", "shell", "P", "Acquire::http::Proxy")
    found = re.search(r"P='(.*)'", shell)
    return {"http_proxy": found[1]} if found else {}


def dependencies(package):
    """The names of the packages that it depends on."""
    depends = output_of("dpkg-deb", "-f", package, "Depends")
    return [re.match(r"[\w.+-]+", alternative.strip())[0] for alternative in depends.split(",")]


def clean_debian(packages):
    """A folder with the release's minimal system and these packages; made once, then kept in build/."""
    if os.geteuid() != 0:
        raise Missing("root, to make a chroot")
    if not shutil.which("debootstrap", path=os.defpath + ":/usr/sbin"):
        raise Missing("debootstrap")
    suite, address = mirror()
    wanted = ",".join(sorted({*packages, "systemd", "dbus"}))
    folder = BUILD / f"chroot-{suite}"
    if folder.exists() and (folder / "packages").read_text() == wanted:
        return folder / "root"
    shutil.rmtree(folder, ignore_errors=True)
    made = BUILD / f"chroot-{suite}.new"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={wanted}", suite, made / "root", address],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BOOTSTRAP_SECONDS,
        env={**os.environ, **proxy(), "PATH": os.defpath + ":/usr/sbin:/sbin"},
    )
    if done.returncode != 0:
        raise Missing(f"what debootstrap needs: {done.stdout.strip().splitlines()[-1:]}")
    (made / "packages").write_text(wanted)
    made.rename(folder)
    return folder / "root"


def run_inside(root, files, steps):
    """Boots a systemd on top of that root, and runs the steps, name -> commands of bash, one after the other.

    files are copied there: path here -> path there. Says what each step printed, with its exit status.
    """
    copies = [argument for here, there in files.items() for argument in ("-c", f"{here}:{there}")]
    commands = [f"echo; echo '@@ {name}'; ( {step}\n) 2>&1; rc=$?; echo; echo \"@@ = $rc\"" for name, step in steps.items()]
    done = subprocess.run(
        ["bash", RIG, "-q", "-T", str(RIG_SECONDS), "-t", "60", *copies, *commands],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RIG_SECONDS + 30,
        env={**os.environ, "RIG_LOWER": str(root)},
    )
    if done.returncode == 125:
        raise Missing(f"what a systemd needs to boot: {done.stderr.strip().splitlines()[-1:]}")
    found = re.findall(r"^@@ (\S+)\n(.*?)\n@@ = (\d+)$", done.stdout, re.MULTILINE | re.DOTALL)
    assert len(found) == len(steps), done.stdout + done.stderr
    return {name: (int(status), text) for name, text, status in found}
