"""Our chat messages beside those that an installed Alertmanager sends for the same alerts."""

from pathlib import Path

import pytest

from . import twin

pytestmark = pytest.mark.skipif(twin.BINARY is None, reason="no Alertmanager is installed to compare with")

HEAD = """
templates: [FOLDER/own.tmpl]
route: {receiver: team.x/y, group_by: [alertname], group_wait: 2s, group_interval: 1s}
receivers:
- name: team.x/y
"""

OLD = """
  slack_configs:
  - {api_url: "SINK/slack/plain", send_resolved: true}
  - api_url: SINK/slack/own
    send_resolved: true
    channel: '#{{ .GroupLabels.alertname | toLower }}'
    username: '{{ .Receiver }}'
    title: '{{ template "own.title" . }}'
    text: '{{ template "own.text" . }}'
    pretext: <!here>
    footer: '{{ .ExternalURL }}'
    fallback: '{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }}|{{ .CommonAnnotations.summary }}'
    callback_id: id
    icon_emoji: ':fire:'
    icon_url: http://icon/
    image_url: http://image/?a=1&b=2
    thumb_url: http://thumb/
    link_names: true
    short_fields: true
    mrkdwn_in: [text]
    fields:
    - {title: 'T {{ .Status }}', value: 'V {{ len .Alerts }}'}
    - {title: a, value: b, short: false}
    - {title: '{{ .CommonLabels.none }}', value: '{{ .CommonLabels.none }}'}
    actions:
    - {type: button, text: 'Go {{ .Status }}', url: '{{ (index .Alerts 0).GeneratorURL }}', style: danger}
    - type: button
      text: ack
      name: ack
      value: '{{ .Status }}'
      confirm: {title: 'Sure?', text: 'Really {{ .Status }}?', ok_text: 'yes', dismiss_text: 'no'}
    - {type: button, text: two, name: n, confirm: {text: only}}
  - {api_url: "SINK/slack/long", send_resolved: true, title: '{{ printf "%01100d\u00e9" 7 }}', color: '{{ .Status }}'}
  - {api_url: "SINK/slack/edge", send_resolved: true, title: '{{ printf "%01023d\U0001f600" 7 }}'}
  discord_configs:
  - {webhook_url: "SINK/discord/plain"}
  - {webhook_url: "SINK/discord/own", title: '{{ template "own.title" . }}', message: '{{ template "own.text" . }}'}
"""
"""What 0.25 knows."""

NEW = """
  - {webhook_url: "SINK/discord/long", title: '{{ printf "%0300d" 7 }}', message: '{{ printf "\u00e9%05000d" 7 }}'}
  - webhook_url: SINK/discord/new
    content: 'Hey {{ .Status }} {{ printf "%02100d" 7 }}'
    username: 'not {{ .rendered }}'
    avatar_url: http://avatar/?a=1&b=2
  - {webhook_url: "SINK/discord/avatar", avatar_url: "http://ava tar/%zz"}
  rocketchat_configs:
  - {api_url: "SINK/rocket/plain", token: t, token_id: i, send_resolved: true}
  - api_url: SINK/rocket//own/./x/../
    token_file: FOLDER/token
    token_id: id
    send_resolved: true
    channel: '#{{ .GroupLabels.alertname }}'
    color: '{{ .Status }}'
    title: '{{ template "own.title" . }}{{ printf "%01100d" 7 }}'
    title_link: http://link/?a=1&b=2
    text: '{{ template "own.text" . }}'
    emoji: ':fire:'
    icon_url: http://icon/
    image_url: http://image/
    thumb_url: http://thumb/
    short_fields: true
    link_names: true
    fields:
    - {title: 'T {{ .Status }}', value: 'V {{ len .Alerts }}'}
    - {title: a, value: b, short: false}
    - {}
    actions:
    - {type: link, text: 'Go {{ .Status }}', url: 'http://x/{{ .Status }}', iswebview: true, imageurl: http://image/}
    - {text: say, msg: '{{ .Status }}', msginchatwindow: true}
  mattermost_configs:
  - {webhook_url: "SINK/mattermost/plain"}
  - webhook_url: SINK/mattermost/own
    channel: 'c-{{ .GroupLabels.alertname }}'
    username: '{{ .Receiver }}'
    text: '{{ template "own.text" . }}{{ printf "%017000d" 7 }}'
    fallback: '{{ .Status }}'
    color: '#{{ .Status }}'
    pretext: p{{ .Status }}
    author_name: n{{ .Status }}
    author_link: l{{ .Status }}
    author_icon: i{{ .Status }}
    title: '{{ template "own.title" . }}'
    title_link: http://link/?a=1&b=2
    thumb_url: http://thumb/
    footer: f{{ .Status }}
    footer_icon: fi{{ .Status }}
    image_url: http://image/
    icon_url: http://icon/
    icon_emoji: ':fire:'
    type: custom_{{ .Status }}
    fields:
    - {title: 'T {{ .Status }}', value: 'V {{ len .Alerts }}', short: true}
    - {title: a, value: b, short: false}
    - {title: c, value: '{{ .CommonLabels.none }}'}
    props: {card: 'card {{ .Status }}'}
    priority: {priority: '{{ if true }}UrGent{{ end }}', requested_ack: true, persistent_notifications: true}
  - webhook_url: SINK/mattermost/attachments
    text: '{{ .Status }}{{ printf "%016390d" 7 }}'
    attachments:
    - text: one {{ .Status }}
      fallback: f
      color: c
      fields: [{title: '{{ .Status }}', value: v, short: false}]
    - {title: two, footer: 'f {{ .Status }}', pretext: p, author_name: a, author_link: l, author_icon: i, title_link: t,
       thumb_url: u, footer_icon: x, image_url: y}
    - {}
    priority: {priority: important, requested_ack: true, persistent_notifications: true}
  - webhook_url: SINK/mattermost/standard
    props: {card: ""}
    priority: {priority: whatever, requested_ack: true, persistent_notifications: true}
  - {webhook_url: "SINK/mattermost/unset", props: {}, priority: {requested_ack: true}}
"""
"""What came up to 0.34."""

MORE_SLACK = """
  - {api_url: "SINK/slack/text", send_resolved: true, message_text: 'Text {{ .Status }} {{ .NotificationReason }}'}
  - api_url: SINK/slack/broken
    send_resolved: true
    channel: c
    username: u
    title: 'still there'
    title_link: '{{ .Nope }}'
    message_text: gone
    fields: [{title: gone, value: gone}]
    actions: [{type: gone, text: gone, name: gone, confirm: {text: gone}}]
  - {app_token: xoxb-1, app_url: "SINK/slack/token", send_resolved: true, channel: '#a', timeout: 10s}
  - {app_token_file: FOLDER/token, app_url: "SINK/slack/token-file", send_resolved: true, channel: '#a'}
"""


async def test_the_same_bytes(tmp_path: Path) -> None:
    new = twin.version() >= (0, 34)
    (tmp_path / "token").write_text(" sec ret\n")
    config = HEAD + (OLD.replace("  discord_configs:", MORE_SLACK + "  discord_configs:") + NEW if new else OLD)
    count = config.count("SINK/")
    theirs, ours = await twin.both(config, tmp_path, count)
    expected, found = twin.by_target(theirs), twin.by_target(ours)
    assert sorted(found) == sorted(expected)
    assert len(found) == count
    for target, requests in expected.items():
        assert [request.body for request in found[target]] == [request.body for request in requests], target
        assert [twin.seen(request) for request in found[target]] == [twin.seen(request) for request in requests]
        assert {request.method for request in found[target]} == {"POST"}
