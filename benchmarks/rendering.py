"""`python -m benchmarks.rendering`: how long one notification takes to render and send, by receiver and size.

Default templates, a receiver on loopback that answers at once; the median of several sends after the first. With
`--short` it is only seen to run.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import trio

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core import labels as labelling
from ampp.core.alert import Snapshot
from ampp.core.clock import SECOND, ZERO
from ampp.core.notify import NO_LABELS, Notify
from ampp.core.plan import Integration
from ampp.core.reason import NotifyReason
from ampp.deliver import integrations
from ampp.deliver.sender import Unsendable
from ampp.template.renderer import Renderer

SIZES = (1, 10, 100, 1000)
SHORT = (1, 10)
ENTRIES = {
    "webhook": '{url: "URL"}',
    "slack": '{api_url: "URL", channel: c, text: "{{ range .Alerts }}{{ .Labels }} {{ .Annotations }}{{ end }}"}',
    "pagerduty": '{routing_key: k, url: "URL"}',
    "opsgenie": '{api_key: k, api_url: "URL"}',
    "discord": '{webhook_url: "URL"}',
    "msteamsv2": '{webhook_url: "URL"}',
}


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: it would be in the figures."""


def _alert(number: int) -> Snapshot:
    labels = labelling.canonical(
        {"alertname": "HighLatency", "instance": f"10.0.{number // 256}.{number % 256}:9100", "severity": "warning"}
    )
    return Snapshot(
        labels=labels,
        annotations={"summary": f"High latency on instance {number}", "runbook": "https://runbooks.example/latency"},
        starts=1_790_000_000 * SECOND,
        ends=ZERO,
        updated=1_790_000_000 * SECOND,
        generator_url="http://prometheus.example/graph?g0.expr=up&g0.tab=1",
        marked=labelling.fingerprint(labels),
        hash=labelling.hash64(labels),
    )


async def _measure(kind: str, entry: str, url: str, sizes: Sequence[int]) -> list[float]:
    """Milliseconds of one notification, by size."""
    config = load(
        f"route: {{receiver: r}}\nreceivers:\n- name: r\n  {kind}_configs:\n  - {entry.replace('URL', url)}\n"
    )
    (sender,) = integrations.build(config, compile_plan(config), "http://ampp.example", Renderer()).values()
    assert not isinstance(sender, Unsendable)
    took = []
    for size in sizes:
        alerts = tuple(_alert(number) for number in range(size))
        notify = Notify(
            flush=1,
            route_id="{}",
            group_key="{}:{}",
            group_labels={"alertname": "HighLatency"},
            route_labels=NO_LABELS,
            integration=Integration("r", kind, 0, True),
            reason=NotifyReason.FIRST,
            alerts=alerts,
            firing=tuple(alert.hash for alert in alerts),
            resolved=(),
            deadline=time.monotonic_ns() + 600 * SECOND,
            token="t",
        )
        times = []
        for _ in range(1 + max(3, 40 // size)):
            began = time.perf_counter()
            await sender.send(notify, alerts)
            times.append((time.perf_counter() - began) * 1e3)
        took.append(statistics.median(times[1:]))
    await sender.aclose()
    return took


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rendering", description=__doc__)
    parser.add_argument("--short", action="store_true", help="small sizes: that it runs, not how fast")
    sizes = SHORT if parser.parse_args().short else SIZES
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    sys.stdout.write("| receiver | " + " | ".join(f"{size} alerts" for size in sizes) + " |\n")
    sys.stdout.write("|---" * (1 + len(sizes)) + "|\n")
    for kind, entry in ENTRIES.items():
        took = trio.run(_measure, kind, entry, url, sizes)
        sys.stdout.write(f"| {kind} | " + " | ".join(f"{each:.1f} ms" for each in took) + " |\n")
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
