"""`ampp config routes` with the configuration that a server runs with, secrets hidden as its API shows it."""

from click.testing import CliRunner

from ampp_cli import own
from tests.support import Daemon, ampp_command

CONFIG = """
global: {slack_api_url: 'https://hooks/secret'}
route: {receiver: mail, routes: [{matchers: [team=db], receiver: dba}]}
receivers:
- name: mail
  slack_configs: [{channel: '#a'}]
- name: dba
  webhook_configs: [{url: 'http://127.0.0.1:1/secret'}]
"""


def test_of_a_server() -> None:
    with Daemon(ampp_command(), CONFIG) as daemon:

        def routes(*words: str) -> str:
            line = ["config", "routes", *words, "--url", daemon.url]
            return CliRunner().invoke(own._ampp, line, prog_name="ampp", standalone_mode=False).stdout

        assert '└── {team="db"} → dba\n' in routes("show")
        assert routes("test", "team=db", "-o", "name") == "dba\n"
