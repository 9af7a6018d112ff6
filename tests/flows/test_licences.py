"""What Veritile needs to run has licences that are known, and copyleft ones only where that was decided."""

from flows.licences import ALLOWED_COPYLEFT, PAGE, Licence, copyleft, licences, page


def test_no_copyleft_licence_enters_that_was_not_decided_on():
    found = copyleft(licences())
    assert {each.name for each in found} - set(ALLOWED_COPYLEFT) == set()
    assert set(ALLOWED_COPYLEFT) - {each.name for each in found} == set(), "allowed, and no longer needed"


def test_every_package_states_its_licence():
    assert [each.name for each in licences() if each.licence == "not stated"] == []


def test_the_page_lists_every_package_that_is_installed():
    """Versions change without a word; names and licences are what was decided on."""
    text = PAGE.read_text(encoding="utf-8")
    assert [each.name for each in licences() if f"| {each.name} |" not in text] == []


def test_licences_that_ask_for_something_are_told_from_those_that_do_not():
    strict = [
        "GPL-3.0-only",
        "GNU Affero General Public License v3 (AGPLv3)",
        "LGPLv2+",
        "MPL-2.0",
        "SSPL-1.0",
    ]
    free = ["MIT", "BSD-3-Clause", "Apache-2.0", "PSF-2.0", "Zlib", "ISC", "HPND"]
    assert len(copyleft([Licence(text, "1", text) for text in strict + free])) == len(strict)
    assert "**not allowed**" in page([Licence("x", "1", "GPL-3.0-only")])
