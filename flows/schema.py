"""The JSON Schema of study files, so that editors complete and check them: python -m flows.schema."""

import json
from pathlib import Path

from flows.config import StudyConfig

TARGET = Path(__file__).parents[1] / "pipeline_configs" / "schema.json"


def schema_text() -> str:
    """Return the schema as the checked-in file holds it."""
    return json.dumps(StudyConfig.model_json_schema(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    TARGET.write_text(schema_text(), encoding="utf-8")
