"""Where an integration sends to is told without what must stay secret."""

from ampp import config as configuration
from ampp.config.destination import destinations

CONFIG = """
route: {receiver: all}
global: {smtp_smarthost: 'mail.example.org:25', smtp_from: 'a@b'}
receivers:
  - name: all
    webhook_configs:
      - {url: 'http://user:hush@hooks.example.org:8080/hidden/path?token=hush'}
      - {url_file: /etc/hidden}
    slack_configs:
      - {api_url: 'https://hooks.slack.com/services/hush', channel: '#alerts'}
    email_configs:
      - {to: 'team@example.org', auth_username: u, auth_password: hush}
"""


def test_destinations_name_host_and_place_and_no_secret() -> None:
    config = configuration.load(CONFIG)
    assert destinations(config, configuration.compile(config)) == {
        "all/webhook/0": "hooks.example.org:8080",
        "all/webhook/1": "",
        "all/slack/0": "hooks.slack.com #alerts",
        "all/email/0": "mail.example.org:25 team@example.org",
    }
