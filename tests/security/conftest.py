import pytest

from tests._support.studies import tiny_cohort


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    return tiny_cohort(tmp_path_factory.mktemp("cohort"))
