"""A study on this machine: its file, its devices, and room for what it makes."""

from collections.abc import Iterator
from pathlib import Path

from flows.commands.target import Target
from flows.doctor.finding import Finding
from flows.estimate.costs import in_bytes
from flows.open_study import refuse_absent_devices
from flows.preflight import refuse_hopeless
from tasks.recorded.inputs import RecordSection
from tasks.slides.errors import ManifestError
from tasks.study.errors import ConfigError, UsageError
from tasks.study.study import Study


def device_finding(study: Study | None) -> Finding:
    """Say which devices there are and, of a study, whether they are those that it asks for."""
    import torch  # heavy

    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    there = ", ".join(["cpu", *(f"cuda:{number} ({name})" for number, name in enumerate(names))])
    if study is None:
        return Finding("devices", "ok", f"this machine has {there}")
    asked = ", ".join(study.device_slots)
    try:
        refuse_absent_devices(study)
    except UsageError as error:
        return Finding("devices", "fault", f"the study asks for {asked}; {error}")
    return Finding("devices", "ok", f"the study uses {asked}; this machine has {there}")


def study_findings(target: Target) -> Iterator[Finding]:
    """Yield what is found of a study; where its file is wrong, that is all."""
    try:
        plan = target.plan()
    except (ConfigError, ManifestError, UsageError) as error:
        yield Finding("study", "fault", str(error))
        yield device_finding(None)
        return
    study = plan.study
    yield Finding("study", "ok", f"{study.name}: {len(study.slides)} slides, {len(list(plan))} artifacts")
    yield device_finding(study)
    try:
        needed = refuse_hopeless(plan)
    except UsageError as error:
        yield Finding("room", "fault", str(error))
    else:
        yield Finding("room", "ok", f"the rest of the study needs about {in_bytes(needed)}")


def tracking_uri(config: Path | None) -> str | None:
    """Return where a study is recorded; None for the database of the home, or where its file is wrong."""
    from flows.config import load_study

    if config is None:
        return None
    try:
        return load_study(config).section(RecordSection).tracking_uri
    except ConfigError:
        return None
