"""A library of a wrong version is told with what it costs."""

import platform
from importlib.metadata import version

from packaging.requirements import Requirement

from flows.doctor.versions import _against_tested, unfit_versions, version_findings


def needed(*lines):
    return {Requirement(line).name: Requirement(line) for line in lines}


def test_what_fits_is_not_told():
    assert list(unfit_versions(needed(f"numpy=={version('numpy')}", "torch", "sqlalchemy<2.1"))) == []


def test_a_wrong_version_is_told_with_its_cost_and_its_remedy():
    (told,) = unfit_versions(needed("sqlalchemy>=2.1"))
    assert told.startswith(f"sqlalchemy is {version('sqlalchemy')}, needed is >=2.1: schedules never fire")
    assert "pip install --constraint constraints.txt 'sqlalchemy>=2.1'" in told


def test_an_absent_library_is_told():
    (told,) = unfit_versions(needed("no-such-library>=1"))
    assert told.startswith("no-such-library is not installed; pip install")


def test_this_environment_has_no_fault():
    findings = list(version_findings())
    assert findings[0].told == platform.python_version()
    assert [each for each in findings if each.level == "fault"] == []


def test_the_tested_set_is_compared_without_the_kind_of_build():
    public = version("torch").partition("+")[0]
    assert _against_tested(f"# a comment\ntorch=={public}\nabsent-library==1\n").level == "ok"
    found = _against_tested("torch==1.0\n")
    assert found.level == "warning"
    assert f"torch {version('torch')} (tested: 1.0)" in found.told
