import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.tracking.database import migrate


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A migrated, empty database, as migrating takes seconds and copying does not.

    Three threads create it at once, which without the lock leaves a half-migrated file.
    """
    home = tmp_path_factory.mktemp("template")
    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(migrate, home) for _ in range(3)]:
            future.result()
    return home / "mlflow" / "mlflow.db"


@pytest.fixture(scope="session")
def make_home(template):
    def make(home):
        (home / "mlflow").mkdir(parents=True)
        shutil.copy(template, home / "mlflow" / "mlflow.db")
        return home

    return make
