"""The rules by name: what each finds, and how much that matters."""

from typing import Final

from ampp.config.lint.finding import Rule, Severity

__all__ = ["RULES"]

_TABLE: Final = (
    ("config", Severity.ERROR, "The file cannot be used: what the daemon would refuse."),
    (
        "template",
        Severity.ERROR,
        "A template file that cannot be read or parsed, with which the daemon will not start.",
    ),
    ("undefined-template", Severity.WARN, "A template is called that no file defines: the notification fails."),
    ("template-syntax", Severity.WARN, "A text of a receiver or a route label is no valid template: rendering fails."),
    ("no-template-file", Severity.INFO, "A pattern under `templates` that no file matches."),
    ("unreachable-route", Severity.WARN, "No alert can arrive: an earlier sibling takes all, or matchers contradict."),
    ("duplicate-route", Severity.WARN, "The same matchers and receiver as an earlier sibling, which continues."),
    (
        "useless-continue",
        Severity.INFO,
        "`continue: true` on the last of its siblings: there is nothing to continue to.",
    ),
    ("always-muted", Severity.WARN, "A time interval both activates and mutes a route: it never notifies."),
    ("repeat-below-interval", Severity.WARN, "`repeat_interval` is below `group_interval`, which is what counts then."),
    ("repeat-rounded", Severity.INFO, "Repeats come over a tenth later than written: only a group's turn can repeat."),
    ("repeat-over-retention", Severity.WARN, "`repeat_interval` is longer than notifications are remembered."),
    ("expire-before-repeat", Severity.WARN, "Alerts handed on to an Alertmanager end there between two notifications."),
    ("no-group-by", Severity.INFO, "No `group_by` at the root: all alerts of a route that sets none are one group."),
    ("group-by-all", Severity.INFO, "`group_by: ['...']` makes every alert a group, told by itself."),
    ("inhibit-never", Severity.WARN, "The rule cannot inhibit anything."),
    ("inhibit-self", Severity.INFO, "The alerts on one side of the rule are all on the other as well."),
    ("inhibit-no-equal", Severity.INFO, "Without `equal` one source inhibits every target, wherever it is."),
    ("inhibit-duplicate", Severity.WARN, "The same rule twice."),
    ("unused-receiver", Severity.WARN, "No route names the receiver."),
    ("empty-receiver", Severity.INFO, "A receiver without integrations: what it gets is told to nobody."),
    ("unused-interval", Severity.WARN, "No route names the time interval."),
    ("empty-interval", Severity.WARN, "A time interval without times never holds."),
    ("deprecated-key", Severity.WARN, "A key that Alertmanager keeps for old files only."),
    ("matcher-syntax", Severity.WARN, "A matcher that Alertmanager's two parsers read differently."),
    ("plain-secret", Severity.INFO, "A secret stands in the file itself, not in a file of its own."),
    ("credentials-over-http", Severity.WARN, "Credentials are sent without encryption."),
    ("plain-http", Severity.INFO, "Notifications are sent without encryption."),
    ("plain-mail", Severity.INFO, "Mail may be sent without encryption."),
    ("tls-verify-off", Severity.WARN, "Whoever answers is believed: certificates are not verified."),
    ("send-resolved-off", Severity.INFO, "The end of alerts is not told."),
)

RULES: Final = {name: Rule(name, severity, meaning) for name, severity, meaning in _TABLE}
"""All rules, in the order in which documentation lists them."""
