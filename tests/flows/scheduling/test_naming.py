from pathlib import Path

import pytest

from flows.scheduling.naming import deployment_name


@pytest.mark.parametrize(
    ("home", "readable"),
    [
        ("/data/lab/.veritile", "tiny-lab-"),
        ("/data/lab/home two", "tiny-home-two-"),
        ("/data/Prüfung", "tiny-Pr-fung-"),
        ("/", "tiny-"),
    ],
)
def test_the_name_says_the_study_and_the_home(home, readable):
    name = deployment_name("tiny", Path(home))
    assert name.startswith(readable)
    assert len(name) == len(readable) + 6


def test_two_homes_and_two_studies_have_two_names():
    homes = [Path("/a/lab/.veritile"), Path("/b/lab/.veritile")]
    names = {deployment_name(study, home) for study in ("tiny", "other") for home in homes}
    assert len(names) == 4
    assert deployment_name("tiny", homes[0]) == deployment_name("tiny", homes[0])
