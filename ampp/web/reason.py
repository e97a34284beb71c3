"""Why an alert is not told, in a sentence, with the place where one can see more."""

import msgspec

from ampp.core.labels import fingerprint_hex
from ampp.live import Live
from ampp.web.address import segment
from ampp.web.survey import Seen, Survey

__all__ = ["Reason", "reasons"]


class Reason(msgspec.Struct, frozen=True):
    """`word`, who or what, until when if that is known, a comment, and the way to it from the server's root."""

    word: str
    by: str
    until: int | None
    text: str
    link: str


def reasons(live: Live, seen: Seen, survey: Survey) -> tuple[Reason, ...]:
    """All that holds now."""
    if seen.state == "active":
        return ()
    found = []
    for identity in seen.silenced_by:
        silence = live.silences.get(identity)
        if silence is not None:
            link = f"ui/silence/{segment(identity)}"
            found.append(Reason("silenced by", silence.created_by or "somebody", silence.ends, silence.comment, link))
    if seen.inhibited_by:
        inhibition = live.engine.muting.inhibited_by(seen.alert, survey.wall)
        if inhibition is not None:
            source = inhibition.source
            rule = inhibition.rule.name or f"rule {inhibition.rule_index + 1}"
            name = source.labels.get("alertname", "another alert")
            link = f"ui/alert/{fingerprint_hex(source.fingerprint)}" if source.fingerprint >= 0 else "ui/inhibitions"
            found.append(Reason("inhibited by", name, None, rule, link))
    if seen.muted_by:
        found.append(Reason("muted by interval", ", ".join(seen.muted_by), None, "", "ui/routing"))
    return tuple(found)
