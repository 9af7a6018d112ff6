"""The automations that the page shows are such as Prefect takes."""

from pathlib import Path

import yaml
from prefect.events.schemas.automations import AutomationCore

from flows.scheduling.naming import FLOW

PAGE = Path(__file__).parents[3] / "docs" / "schedules.md"


def test_the_automations_of_the_page_are_valid_and_about_our_flow():
    text = PAGE.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    shown = [AutomationCore.model_validate(item) for item in yaml.safe_load(text)["automations"]]
    assert [item.trigger.posture.value for item in shown] == ["Reactive", "Proactive"]
    for item in shown:
        assert item.trigger.match_related.root["prefect.resource.name"] == FLOW
