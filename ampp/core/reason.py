"""Every outcome has one name, used alike as metric label, journal entry, log field and line of an explanation."""

from enum import Enum

__all__ = ["EventKind", "FailureReason", "NotificationStatus", "NotifyReason", "SuppressReason"]


class NotifyReason(Enum):
    """Why an integration was, or was not, told at a flush. The text is upstream's, seen in templates and webhooks."""

    FIRST = "first notification"
    NEW_ALERTS = "new alerts added"
    SOME_RESOLVED = "some alerts resolved"
    ALL_RESOLVED = "all alerts resolved"
    REPEAT = "repeat interval elapsed"
    NONE = "none"
    UNKNOWN = "unknown"


class SuppressReason(Enum):
    """Why an alert was kept out of a flush; the `reason` label of alertmanager_notifications_suppressed_total."""

    SILENCE = "silence"
    INHIBITION = "inhibition"
    MUTE_INTERVAL = "mute_time_interval"
    ACTIVE_INTERVAL = "active_time_interval"


class FailureReason(Enum):
    """Why a delivery failed; the `reason` label of alertmanager_notifications_failed_total. `REFUSED` is ours."""

    OTHER = "other"
    CLIENT = "clientError"
    SERVER = "serverError"
    CANCELED = "contextCanceled"
    DEADLINE = "contextDeadlineExceeded"
    AUTH = "authError"
    RATE_LIMITED = "rateLimited"
    REFUSED = "destinationRefused"


class EventKind(Enum):
    """What became of an alert, one record of its history each."""

    FIRING = "firing"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    RESOLVED = "resolved"
    """By its sender."""
    EXPIRED = "expired"
    """By time: nobody repeated it."""


class NotificationStatus(Enum):
    """What became of a decision to tell an integration something, or not."""

    NOT_SENT = "not_sent"
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELED = "canceled"
    """A reload or the shutdown ended it."""
    OVERTAKEN = "overtaken"
    """A newer notification took its place, or nothing was left to tell."""
