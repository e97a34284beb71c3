"""Silences: what they are, the rules for writing them, and which of them mute a label set.

Invariants of the `SilenceBook`:

- A `Silence` never changes. Every write replaces it whole and returns all silences it changed, for the journal; a write
  that fails has changed nothing.
- A silence is active from its start, inclusive, to its end, exclusive. Upstream's core still counts the instant of the
  end itself as active while its API does not; here an expired silence stops muting in the very instant of its expiry.
- History is not rewritten: a change that would alter what a silence did in the past, or what it matches, ends the
  silence and starts a new one with a new id.
- `expires`, when a silence may be forgotten, is fixed at each write; a later change of the retention does not touch it.
- Silences are listed and reported in the order in which their ids first came into the book; an update keeps its place.
- What `mutes` says of a label set can change only when `epoch` does, or when the wall clock passes `next_change`.

Errors: `SilenceError` for a draft that breaks a rule, with upstream's text; `SilenceNotFound` for an unknown id.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from ampp.core.clock import SECOND, ZERO, Now
from ampp.core.index import MatcherIndex
from ampp.core.labels import valid_name, valid_value
from ampp.core.matcher import Matcher, Mode, Op
from ampp.core.quote import go_quote
from ampp.core.regex import RegexError, anchored, checked

__all__ = [
    "MatcherSets",
    "Put",
    "Silence",
    "SilenceBook",
    "SilenceDraft",
    "SilenceError",
    "SilenceNotFound",
    "SilenceState",
    "UnusableSilence",
    "validate",
]

MatcherSets: TypeAlias = tuple[tuple[Matcher, ...], ...]
SilenceState: TypeAlias = Literal["active", "pending", "expired"]

_STATES: Final[tuple[SilenceState, ...]] = ("active", "pending", "expired")


class SilenceError(ValueError):
    """The draft breaks a rule or a limit. The message is upstream's."""


class SilenceNotFound(SilenceError):
    """No silence has the given id."""

    def __init__(self) -> None:
        super().__init__("silence not found")


class Silence(msgspec.Struct, frozen=True, array_like=True):
    """One silence as stored. A label set is matched when all matchers of any one set match it.

    `starts`, `ends`, `updated` and `expires` (when it may be forgotten) are wall nanoseconds.
    """

    id: str
    matcher_sets: MatcherSets
    starts: int
    ends: int
    updated: int
    created_by: str = ""
    comment: str = ""
    annotations: dict[str, str] = {}
    expires: int = ZERO

    def state(self, wall: int) -> SilenceState:
        """The state at `wall`."""
        if wall < self.starts:
            return "pending"
        return "active" if wall < self.ends else "expired"


class SilenceDraft(msgspec.Struct, frozen=True):
    """A silence as someone wants it. `id` of None or "" asks for a new one; `starts` of `ZERO` means now."""

    id: str | None
    matcher_sets: MatcherSets
    starts: int = ZERO
    ends: int = ZERO
    created_by: str = ""
    comment: str = ""
    annotations: dict[str, str] = {}


class Put(msgspec.Struct, frozen=True):
    """What a write did: the id that now stands, every silence changed in order, and whether the id is new."""

    id: str
    changed: tuple[Silence, ...]
    action: Literal["create", "update"]


class UnusableSilence(msgspec.Struct, frozen=True):
    """A stored silence that was kept out of the book, and why."""

    silence: Silence
    error: str


class SilenceBook:
    """All silences, and the index that finds those which mute.

    `retention` in nanoseconds. `max_silences` counts every silence held, expired ones too; `max_size` is in bytes as
    `size_of` measures a silence; 0 switches either limit off. `mode` decides which label names are valid. `new_id` must
    return an id never used before.
    """

    def __init__(
        self,
        retention: int,
        mode: Mode,
        max_silences: int = 0,
        max_size: int = 0,
        *,
        new_id: Callable[[], str],
        size_of: Callable[[Silence], int],
    ) -> None:
        self.retention = retention
        self.mode = mode
        self.max_silences = max_silences
        self.max_size = max_size
        self.epoch = 0
        self._new_id = new_id
        self._size_of = size_of
        self._silences: dict[str, Silence] = {}
        # id -> its place in the order of arrival
        self._places: dict[str, int] = {}
        self._arrivals = 0
        # Filed under (id, number of the matcher set).
        self._index: MatcherIndex[tuple[str, int]] = MatcherIndex()
        # Starts and ends of all silences, sorted, with repetitions. Each by itself: those of a new silence are mostly
        # the last, so that however many there are, nothing has to make room for them.
        self._starts: list[int] = []
        self._ends: list[int] = []

    def __len__(self) -> int:
        return len(self._silences)

    def get(self, silence_id: str) -> Silence | None:
        """The silence with exactly this id."""
        return self._silences.get(silence_id)

    def all(self) -> tuple[Silence, ...]:
        """Every silence, in order of arrival."""
        return tuple(self._silences.values())

    def put(self, draft: SilenceDraft, now: Now) -> Put:
        """Create a silence, or change the one that `draft.id` names, if need be by ending it and creating another.

        Raises `SilenceError` or `SilenceNotFound`, in upstream's order of checks, leaving the book as it was.
        """
        wall = now.wall
        if draft.starts >= draft.ends:
            raise SilenceError("Failed to create silence: start time must be before end time")
        if draft.ends < wall:
            raise SilenceError("Failed to create silence: end time can't be in the past")
        if draft.starts == ZERO:
            draft = msgspec.structs.replace(draft, starts=wall)
        validate(draft, self.mode)
        previous = None
        if draft.id:
            previous = self._silences.get(draft.id)
            if previous is None:
                raise SilenceNotFound
        if previous is not None and _can_update(previous, draft, wall):
            updated = self._write(previous.id, draft, draft.starts, wall)
            self._check_size(updated)
            self._set(updated)
            return Put(updated.id, (updated,), "update")
        if 0 < self.max_silences <= len(self._silences):
            raise SilenceError(
                f"exceeded maximum number of silences: {len(self._silences)} (limit: {self.max_silences})"
            )
        created = self._write(self._new_id(), draft, max(draft.starts, wall), wall)
        self._check_size(created)
        ended = self.expire(previous.id, now) if previous is not None else ()
        self._set(created)
        return Put(created.id, (*ended, created), "create")

    def expire(self, silence_id: str, now: Now) -> tuple[Silence, ...]:
        """End a silence now. Returns it as it now stands, or nothing if it was over already.

        Raises `SilenceNotFound`.
        """
        silence = self._silences.get(silence_id)
        if silence is None:
            raise SilenceNotFound
        wall = now.wall
        if silence.state(wall) == "expired":
            return ()
        silence = msgspec.structs.replace(
            silence, starts=min(silence.starts, wall), ends=wall, updated=wall, expires=wall + self.retention
        )
        self._set(silence)
        return (silence,)

    def prune(self, now: Now) -> tuple[str, ...]:
        """Forget the silences whose retention is over; returns their ids."""
        gone = [silence for silence in self._silences.values() if silence.expires <= now.wall]
        if not gone:
            return ()
        for silence in gone:
            del self._silences[silence.id], self._places[silence.id]
            self._unfile(silence)
        self._starts = sorted([silence.starts for silence in self._silences.values()])
        self._ends = sorted([silence.ends for silence in self._silences.values()])
        self.epoch += 1
        return tuple([silence.id for silence in gone])

    def restore(self, silences: Iterable[Silence]) -> tuple[UnusableSilence, ...]:
        """Take in silences as they were stored, unchecked, over those of the same id.

        Those with a regex that does not compile are left out and returned: they can be neither listed nor matched, as
        upstream has it for silences loaded from a snapshot.
        """
        unusable: list[UnusableSilence] = []
        for silence in silences:
            try:
                for matchers in silence.matcher_sets:
                    for matcher in matchers:
                        if matcher.op in (Op.RE, Op.NRE):
                            anchored(matcher.value)
            except RegexError as error:
                unusable.append(UnusableSilence(silence, str(error)))
            else:
                self._set(silence)
        return tuple(unusable)

    def mutes(self, labels: Mapping[str, str], now: Now) -> tuple[str, ...]:
        """The ids of the active silences that match `labels`, in order of arrival."""
        wall = now.wall
        found: dict[int, str] = {}
        for entry in self._index.candidates(labels):
            silence_id = entry.token[0]
            silence = self._silences[silence_id]
            if silence.starts <= wall < silence.ends and entry.matches(labels):
                found[self._places[silence_id]] = silence_id
        if len(found) > 1:
            return tuple([found[place] for place in sorted(found)])
        return tuple(found.values())

    def next_change(self, wall: int) -> int | None:
        """The first instant after `wall` at which a silence starts or ends, or None."""
        found: int | None = None
        for bounds in (self._starts, self._ends):
            at = bisect_right(bounds, wall)
            if at < len(bounds) and (found is None or bounds[at] < found):
                found = bounds[at]
        return found

    def query(
        self,
        filters: Sequence[Matcher],
        now: Now,
        *,
        active: bool = True,
        pending: bool = True,
        expired: bool = True,
    ) -> list[Silence]:
        """The silences in the wanted states that hold, in one of their sets, a matcher identical to each of `filters`.

        Active ones first, by their end; then pending ones, by their start; then expired ones, the latest first; else in
        order of arrival.
        """
        wall = now.wall
        by_state: dict[SilenceState, list[Silence]] = {state: [] for state in _STATES}
        for silence in self._silences.values():
            if any(all(wanted in matchers for wanted in filters) for matchers in silence.matcher_sets):
                by_state[silence.state(wall)].append(silence)
        result: list[Silence] = []
        if active:
            result += sorted(by_state["active"], key=lambda silence: silence.ends)
        if pending:
            result += sorted(by_state["pending"], key=lambda silence: silence.starts)
        if expired:
            result += sorted(by_state["expired"], key=lambda silence: -silence.ends)
        return result

    def _write(self, silence_id: str, draft: SilenceDraft, starts: int, wall: int) -> Silence:
        return Silence(
            id=silence_id,
            matcher_sets=draft.matcher_sets,
            starts=starts,
            ends=draft.ends,
            updated=wall,
            created_by=draft.created_by,
            comment=draft.comment,
            annotations=dict(draft.annotations),
            expires=draft.ends + self.retention,
        )

    def _check_size(self, silence: Silence) -> None:
        if self.max_size > 0:
            size = self._size_of(silence)
            if size > self.max_size:
                raise SilenceError(f"silence exceeded maximum size: {size} bytes (limit: {self.max_size} bytes)")

    def _set(self, silence: Silence) -> None:
        known = self._silences.get(silence.id)
        if known is None:
            self._arrivals += 1
            self._places[silence.id] = self._arrivals
        else:
            del self._starts[bisect_left(self._starts, known.starts)]
            del self._ends[bisect_left(self._ends, known.ends)]
        if known is None or known.matcher_sets != silence.matcher_sets:
            if known is not None:
                self._unfile(known)
            for number, matchers in enumerate(silence.matcher_sets):
                self._index.add((silence.id, number), matchers)
        self._silences[silence.id] = silence
        insort(self._starts, silence.starts)
        insort(self._ends, silence.ends)
        self.epoch += 1

    def _unfile(self, silence: Silence) -> None:
        for number in range(len(silence.matcher_sets)):
            self._index.discard((silence.id, number))


def validate(draft: SilenceDraft, mode: Mode) -> None:
    """Check everything that can be said of a draft by itself. Raises `SilenceError` with upstream's text."""
    reason = _fault(draft, mode)
    if reason is not None:
        raise SilenceError(f"invalid silence: {reason}")


def _fault(draft: SilenceDraft, mode: Mode) -> str | None:
    if not draft.matcher_sets:
        return "at least one matcher set required"
    for number, matchers in enumerate(draft.matcher_sets):
        if not matchers:
            return f"matcher set {number} is empty"
        for i, matcher in enumerate(matchers):
            reason = _matcher_fault(matcher, mode)
            if reason is not None:
                return f"invalid label matcher {i} in set {number}: {reason}"
        if all(_matches_empty(matcher) for matcher in matchers):
            return f"matcher set {number}: at least one matcher must not match the empty string"
    if draft.starts == ZERO:
        return "invalid zero start timestamp"
    if draft.ends == ZERO:
        return "invalid zero end timestamp"
    if draft.ends < draft.starts:
        return "end time must not be before start time"
    return None


def _matcher_fault(matcher: Matcher, mode: Mode) -> str | None:
    if not valid_name(matcher.name, mode):
        return f"invalid label name {go_quote(matcher.name)}"
    if matcher.op in (Op.EQ, Op.NE):
        return None if valid_value(matcher.value) else f"invalid label value {go_quote(matcher.value)}"
    try:
        # Upstream compiles the pattern both bare and anchored. `a)|(?:b` compiles only anchored and is refused.
        checked(matcher.value)
    except RegexError as error:
        return f"invalid regular expression {go_quote(matcher.value)}: {error}"
    return None


def _matches_empty(matcher: Matcher) -> bool:
    """Upstream's test, which never counts negations. It looks for the bare pattern anywhere in the empty text; what it
    finds there can only be all of it."""
    if matcher.op is Op.EQ:
        return matcher.value == ""
    return matcher.op is Op.RE and anchored(matcher.value).test("")


def _can_update(silence: Silence, draft: SilenceDraft, wall: int) -> bool:
    """Whether the draft leaves the past of `silence` as it was. That the new end is not past was checked before."""
    if silence.matcher_sets != draft.matcher_sets:
        return False
    state = silence.state(wall)
    if state == "active":
        return silence.starts // SECOND == draft.starts // SECOND
    return state == "pending" and draft.starts >= wall
