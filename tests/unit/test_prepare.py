"""What happens between a configuration that loads and one that is in force."""

from pathlib import Path

import pytest

from ampp.config import load_file
from ampp.deliver.sender import BuildError
from ampp.loaded import prepare

CONFIG = "route: {receiver: a}\nreceivers: [{name: a}]\ntemplates: ['*.tmpl']\n"


def test_templates_that_do_not_parse_stop_it(tmp_path: Path) -> None:
    file, template = tmp_path / "alertmanager.yml", tmp_path / "mine.tmpl"
    file.write_text(CONFIG)
    template.write_text("\n{{ define `x` }}{{ nofunc }}{{ end }}")
    with pytest.raises(BuildError) as caught:
        prepare(load_file(str(file)), "http://am")
    assert str(caught.value) == 'failed to parse templates: template: mine.tmpl:2: function "nofunc" not defined'
    template.write_text("{{ define `x` }}{{ toUpper `x` }}{{ end }}")
    assert prepare(load_file(str(file)), "http://am").senders == {}
