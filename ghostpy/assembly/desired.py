"""A table as it is desired: what leads there, and settings that a run makes that change with."""

from __future__ import annotations

from msgspec.structs import replace

from ghostpy.dialects import differ_for
from ghostpy.model.schema_difference import SchemaDifference
from ghostpy.protocols import Observer
from ghostpy.settings import MigrateSettings


async def find_difference(settings: MigrateSettings) -> SchemaDifference:
    """What leads to the desired table; nothing is left on the server. Raises as `Differ.difference`."""
    return await differ_for(settings).difference()


async def as_desired(settings: MigrateSettings, observer: Observer) -> MigrateSettings:
    """The settings with the ALTER that leads to the desired table; as they are where none is desired."""
    if not settings.target.desired:
        return settings
    found = await find_difference(settings)
    for old, new in found.alike:
        observer.happened(looks_renamed(old, new), warning=True)
    for note in found.notes:
        observer.happened(note)
    observer.happened(f"to the desired table leads: {found.alter}" if found.alter else "the table is as it is desired")
    return replace(settings, target=replace(settings.target, alter=found.alter))


def looks_renamed(old: str, new: str) -> str:
    """What to say of a dropped and an added column that are alike."""
    return (
        f"the column {old} is dropped and the column {new} is added: if that is one column under another name, say "
        f"--rename-column {old}={new}; else the values of {old} are lost"
    )
