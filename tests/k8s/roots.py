# SPDX-License-Identifier: Apache-2.0
"""roots.py PRESET DIR

Makes in DIR, without a container engine, what the Dockerfile's images hold: a root directory for each
service, and PROGRAM.image, which tells in-root.sh how to start what is in it. The base comes from
debootstrap instead of a registry, and is of the Debian that this machine has, as the programs are, which
come from build/PRESET instead of the build stage. What the RUN lines make is kept until one of their inputs
changes. Needs root, to make devices and to chroot.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITE = platform.freedesktop_os_release()["VERSION_CODENAME"]  # the programs were built on it


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr, **options)


def stages(dockerfile):
    """{name: [(instruction, rest)]} of all stages but the first."""
    made, name = {}, None
    for line in dockerfile.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            name = rest.split(" AS ")[1]
            made[name] = []
        elif name and word and not word.startswith("#"):
            made[name].append((word, rest))
    del made[next(iter(made))]
    return made


def sources():
    """This machine's sources of Debian's own packages, as lines of a sources.list."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)", "Created-By: Packages"],
        check=True, capture_output=True, text=True).stdout
    found = {tuple(line.split()[:3]) for line in listed.splitlines()
             if re.fullmatch(rf"\S+ {SUITE}(-updates|-security)? main Debian", line)}
    return sorted(f"deb {uri} {suite} {component}" for uri, suite, component in found)


def base(directory):
    """A minimal Debian, made once."""
    if directory.exists():
        return
    lines = sources()
    if not lines:
        sys.exit(f"apt knows no source of Debian {SUITE}; run apt-get update")
    uri = next(line.split()[1] for line in lines if line.split()[2] == SUITE)
    half = directory.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    # ca-certificates, in case that the source is https
    run("debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, half, uri)
    (half / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
    settings = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True).stdout
    (half / "etc/apt/apt.conf.d/90sources").write_text(
        "".join(line + "\n" for line in settings.splitlines() if line.startswith("Acquire::")))
    half.rename(directory)


def carry_out(root, stage, preset):
    """The COPY lines of a stage; the RUN lines are done already."""
    user, entrypoint, env = None, None, []
    for word, rest in stage:
        if word == "COPY":
            origin, target = rest.removeprefix("--from=build ").split()
            origin = origin.replace("/easel/build/release", f"/easel/build/{preset}")
            copy(ROOT / Path(origin).relative_to("/easel"), root / target.lstrip("/"))
        elif word == "ENV":
            env.append(rest)
        elif word == "USER":
            user = rest
        elif word == "ENTRYPOINT":
            (entrypoint,) = json.loads(rest)
        elif word != "RUN":
            sys.exit(f"roots.py cannot do {word}")
    return [root.name, user, entrypoint, *env]


def copy(origin, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if origin.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(origin, target)
    else:
        shutil.copy(origin, target)
        run("strip", target)


def carry_out_run(root, stage):
    for word, rest in stage:
        if word == "RUN":
            mount, command = re.fullmatch(r"--mount=type=bind,source=(\S+),target=/mnt (.*)", rest).groups()
            shutil.copytree(ROOT / mount, root / "mnt", dirs_exist_ok=True)
            run("chroot", root, "/bin/sh", "-c", command, env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
            shutil.rmtree(root / "mnt")
            (root / "mnt").mkdir()


def make(name, stage, preset, directory):
    root, mark = directory / name, directory / f"{name}.made"
    inputs = [rest for word, rest in stage if word == "RUN"]
    inputs += [path.read_text() for path in sorted((ROOT / "k8s/image").iterdir())]
    digest = hashlib.sha256("\n".join(inputs).encode()).hexdigest()
    if not mark.exists() or mark.read_text() != digest:
        base(directory / "base")
        mark.unlink(missing_ok=True)
        shutil.rmtree(root, ignore_errors=True)
        run("cp", "-a", directory / "base", root)
        carry_out_run(root, stage)
        shutil.rmtree(root / "dev")  # so that nothing is left that only root could remove
        (root / "dev").mkdir()
        mark.write_text(digest)
    image = carry_out(root, stage, preset)
    (directory / f"{Path(image[2]).name}.image").write_text("\n".join(image) + "\n")
    size = subprocess.run(["du", "-sm", "--exclude=./proc", root], check=True, capture_output=True, text=True).stdout
    print(f"{name}: {size.split()[0]} MB")


def main():
    preset, directory = sys.argv[1], Path(sys.argv[2]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    for name, stage in stages((ROOT / "Dockerfile").read_text()).items():
        make(name, stage, preset, directory)
    if "SUDO_UID" in os.environ:  # `make clean` is an ordinary user's
        run("chown", "-R", f'{os.environ["SUDO_UID"]}:{os.environ["SUDO_GID"]}', directory)


if __name__ == "__main__":
    main()
