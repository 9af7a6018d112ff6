"""Every checked-in study file loads, fits its schema, and may be a parameter of a deployment."""

import json

import jsonschema
import pytest
import yaml

from flows.config import load_study
from flows.schema import TARGET, schema_text

FILES = sorted(TARGET.parent.glob("*.yaml"))


def test_there_are_studies():
    assert {"phantom.yaml", "camelyon16_tma.yaml"} <= {f.name for f in FILES}


def test_the_schema_is_up_to_date():
    assert TARGET.read_text(encoding="utf-8") == schema_text(), "run: python -m flows.schema"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_it_loads_bears_its_own_name_and_names_the_schema(path):
    assert load_study(path).study == path.stem
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=schema.json\n")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_it_fits_the_schema_as_written(path):
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), json.loads(schema_text()))


def test_the_schema_refuses_an_unknown_key():
    data = yaml.safe_load(FILES[0].read_text(encoding="utf-8")) | {"tyle": {}}
    with pytest.raises(jsonschema.ValidationError, match="tyle"):
        jsonschema.validate(data, json.loads(schema_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_prefect_takes_it_as_a_parameter(path):
    """A plug-in typed by its base alone gives a schema that Prefect refuses correct studies with."""
    from prefect.utilities.callables import parameter_schema
    from prefect.utilities.schema_tools.validation import validate

    from flows.study import study

    schema = parameter_schema(study.fn).model_dump_for_openapi()
    errors = validate({"config": load_study(path).model_dump(mode="json")}, schema, raise_on_error=False)
    assert errors == []
