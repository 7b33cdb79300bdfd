"""An API that was started by hand, without a lab: a program on this machine, over PostgreSQL and Redis of its own.

The two are in containers of this machine's engine. docs/contributing.md says which files describe such an API to tests.
"""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from apis.contract.checks import Target
from apis.contract.seed import write_seed
from experiment.bench.readiness import wait_until_ready
from tests.conftest import ROOT
from tests.docker import docker
from tests.ports import free_port
from tests.ssh.services import Services
from tests.stand.local import LocalApi, LocalStandDocument
from tests.stand.stand import ServiceCommands

_CONTRACT = ROOT / "apis" / "contract"
_COUNTED = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_utility": "off"}
"""The checks that look at statements ask for it."""

_READY_SECONDS = 60


class ByHand:
    """PostgreSQL and Redis, with schema and seed, and what they are reached by.

    Args:
        name: the API's.
        program: what starts it, with the environment of the contract alone.
        folder: an empty one, for what is written.
    """

    def __init__(self, name: str, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._services = Services(folder, _COUNTED)
        postgres, redis, password = self._services.postgres, self._services.redis, self._services.password
        self.target = Target(
            name=name,
            base_url=f"http://127.0.0.1:{free_port()}",
            jwt_secret=f"{password}{password}",
            database_url=f"postgres://{postgres.user}:{password}@127.0.0.1:{postgres.port}/{postgres.database}",
            redis_url=f"redis://:{password}@127.0.0.1:{redis.port}/0",
        )

    @contextmanager
    def services(self) -> Generator[None]:
        """Have the two run, seeded, for so long."""
        try:
            self._services.start()
            _wait_for(self.target.database_url or "")
            script = self._folder / "seed.sql"
            write_seed(script)
            given = (_CONTRACT / "schema.sql").read_text() + script.read_text()
            postgres = self._services.postgres
            psql = ("psql", "-q", "-v", "ON_ERROR_STOP=1", "-U", postgres.user, postgres.database)
            docker("exec", "--interactive", postgres.container, *psql, given=given)
            yield
        finally:
            self._services.remove()

    @contextmanager
    def api(self) -> Generator[None]:
        """Have the API run at the target's address for so long."""
        (uploads := self._folder / "uploads").mkdir()
        environment = {
            "DATABASE_URL": self.target.database_url or "",
            "REDIS_URL": self.target.redis_url or "",
            "JWT_SECRET": self.target.jwt_secret,
            "PORT": self.target.base_url.rpartition(":")[2],
            "UPLOAD_DIR": str(uploads),
            "LOG_LEVEL": "warn",
        }
        process = subprocess.Popen([self._program], env=environment)
        try:
            assert wait_until_ready(self.target.base_url, deadline_seconds=_READY_SECONDS) is None
            yield
        finally:
            process.kill()
            process.wait()

    def stand(self) -> LocalStandDocument:
        """What a file in `FAIRGROUND_STAND` says of the two and of the API, at a port of its own."""
        postgres, redis = self._services.postgres.container, self._services.redis.container
        return LocalStandDocument(
            database_url=self.target.database_url or "",
            redis_url=self.target.redis_url or "",
            jwt_secret=self.target.jwt_secret,
            services=ServiceCommands(
                stop_postgres=f"docker stop --time 30 {postgres}",
                start_postgres=f"docker start {postgres}",
                kill_postgres=f"docker kill {postgres}",
                freeze_postgres=f"docker pause {postgres}",
                thaw_postgres=f"docker unpause {postgres}",
                stop_redis=f"docker stop --time 10 {redis}",
                start_redis=f"docker start {redis}",
                kill_redis=f"docker kill {redis}",
                freeze_redis=f"docker pause {redis}",
                thaw_redis=f"docker unpause {redis}",
            ),
            apis=(LocalApi(name=self.target.name, command=(str(self._program),), port=free_port()),),
        )


@retry(
    retry=retry_if_exception_type(psycopg.OperationalError),
    stop=stop_after_delay(_READY_SECONDS),
    wait=wait_fixed(0.1),
    reraise=True,
)
def _wait_for(database_url: str) -> None:
    psycopg.connect(database_url).close()
