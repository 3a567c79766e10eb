"""A Docker engine of the tests' own: it shares nothing with one that runs here already, and leaves nothing behind."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.tiers import unavailable

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ("dockerd", "containerd", "debootstrap", "java", "mvn")
START_SECONDS = 60.0
DRIVERS = ("overlay2", "vfs")  # the second works everywhere, and copies the whole file system for each layer
CLIENTS = (shutil.which("docker"), "/usr/bin/docker")
LEFT_TO_CLIENTS = ("DOCKER_HOST", "DOCKER_CONTEXT", "COMPOSE_FILE", "COMPOSE_PROJECT_NAME")


@dataclass(frozen=True)
class Engine:
    """A running engine and a client that can build with BuildKit."""

    socket: str
    client: str

    def docker(self, *arguments: str, seconds: float = 60, check: bool = True) -> str:
        """What the command printed. Fails with all it said."""
        return self._run([self.client, *arguments], {"DOCKER_BUILDKIT": "1"}, seconds, check=check)

    def compose(self, *arguments: str, env: Mapping[str, str], seconds: float = 60) -> str:
        """What the command printed, run in the root of the repository."""
        program = ROOT / ".venv" / "bin" / "docker-compose"
        return self._run([str(program), *arguments], env, seconds)

    def _run(self, command: list[str], env: Mapping[str, str], seconds: float, *, check: bool = True) -> str:
        clean = {name: value for name, value in os.environ.items() if name not in LEFT_TO_CLIENTS}
        done = subprocess.run(
            command, cwd=ROOT, env={**clean, **env, "DOCKER_HOST": self.socket}, timeout=seconds,
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done.stdout


def _client() -> str:
    """A client that builds with BuildKit by itself, or has the plugin that does."""
    for client in [each for each in CLIENTS if each and Path(each).exists()]:
        version = subprocess.run([client, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
        plugin = subprocess.run([client, "buildx", "version"], capture_output=True, check=False, timeout=60)
        if plugin.returncode == 0 or int(version.split()[2].partition(".")[0]) < 23:
            return client
    return unavailable("containers", "no docker client here can build with BuildKit")


@contextmanager
def running_engine() -> Iterator[Engine]:
    """An engine with its data in a folder of its own, which goes with it."""
    missing = [each for each in PROGRAMS if not shutil.which(each)]
    if missing:
        unavailable("containers", f"{', '.join(missing)} cannot be found")
    if os.geteuid() != 0:
        unavailable("containers", "a Docker engine is started by root only")
    folder = Path(tempfile.mkdtemp(prefix="copydesk-docker-"))
    engine = Engine(f"unix://{folder}/socket", _client())
    process = _started(engine, folder)
    try:
        yield engine
        left = engine.docker("ps", "--all", "--quiet").split()
        if left:
            engine.docker("rm", "--force", "--volumes", *left, seconds=120)
    finally:
        process.terminate()
        process.wait(60)
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove all of it, and what an engine that could not start has left mounted."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in reversed([each for each in mounted if each.startswith(f"{folder}/")]):
        subprocess.run(["umount", place], check=True, timeout=60)
    subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True, timeout=600)


def _started(engine: Engine, folder: Path) -> subprocess.Popen[bytes]:
    """The engine's process, with the first storage driver that this machine's file system takes."""
    said = ""
    for driver in DRIVERS:
        log = folder / f"{driver}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["dockerd", "--storage-driver", driver, "--iptables=false", "--bridge", "none",
                 "--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid",
                 "--host", engine.socket],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        if _answers(process, engine):
            return process
        said += log.read_text()[-3000:]
    raise AssertionError(said)


def _answers(process: subprocess.Popen[bytes], engine: Engine) -> bool:
    """Whether the engine comes up; its process has ended when it does not."""
    give_up = time.monotonic() + START_SECONDS
    while process.poll() is None:
        if engine.docker("version", "--format", "{{.Server.Version}}", check=False).strip():
            return True
        if time.monotonic() > give_up:
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    return False
