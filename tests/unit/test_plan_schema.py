"""The published schema and the table of keys are those of the code, and plans fit them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace
from test_cli_migrate import a_plan

from ghostpy.cli.main import main
from ghostpy.cli.plan_document import plan_document, refusal_document
from ghostpy.cli.plan_schema import key_table, schema, schema_text
from ghostpy.errors import PlanRefused
from ghostpy.model.estimate import AT_ONCE, Estimate
from ghostpy.model.plan import Plan, Strategy
from ghostpy.settings import MigrateSettings

_DOCS = Path(__file__).parents[2] / "docs"
_PLANS = [
    a_plan(),
    replace(a_plan(), strategy=Strategy.NOTHING),
    replace(a_plan(), strategy=Strategy.INSTANT, estimate=AT_ONCE, takes_instant=True),
    replace(a_plan(), estimate=Estimate(4.0, {"copy": 4.0}, 1, 2, 3, 0.5), takes_instant=False),
    replace(a_plan(), estimate=Estimate(reason="it may not be asked")),
    replace(a_plan(), native=Estimate(7.0, {"the server's ALTER": 7.0}, 30, 2, 3, 0.5, temporary_bytes=10)),
    replace(a_plan(), native=Estimate(reason="duplicates")),
]


def test_what_is_published_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    told = "python -m ghostpy.cli.plan_schema > docs/plan.schema.json"
    assert (_DOCS / "plan.schema.json").read_text() == schema_text(), f"make it anew: {told}"
    assert key_table() in (_DOCS / "plan.md").read_text()
    jsonschema.Draft202012Validator.check_schema(schema())
    assert main(["plan", "--schema"]) == 0
    assert capsys.readouterr().out == schema_text()


@pytest.mark.parametrize("plan", _PLANS, ids=lambda plan: plan.strategy.value)
def test_plans_fit_it(plan: Plan) -> None:
    jsonschema.validate(json.loads(json.dumps(plan_document(plan, MigrateSettings()))), schema())


def test_refusals_fit_it() -> None:
    refused = PlanRefused("no", findings=a_plan().findings)
    jsonschema.validate(refusal_document(refused, "shop.t", MigrateSettings()), schema())


def test_something_else_does_not_fit() -> None:
    document = dict(plan_document(a_plan(), MigrateSettings()))
    for broken in ({**document, "more": 1}, {**document, "possible": False}, {**document, "rows": -1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(json.loads(json.dumps(broken)), schema())
    del document["way_back"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(json.dumps(document)), schema())
