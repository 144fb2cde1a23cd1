"""A real server in a process of its own, and a real receiver of its webhooks."""

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import requests
import stripe

from tests.processes import free_port

ROOT = Path(__file__).parents[2]
SECRET = "whsec_test"


def wait_for(condition, seconds=15.0):
    """The first true value of `condition`, or a failure that says it never came."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.03)
    raise AssertionError("It did not happen in time.")


class Till:
    """The server under test. `kill` is kill -9."""

    def __init__(self, database, webhook_url="", port=None):
        self.port = port or free_port()
        self.database = database
        self.webhook_url = webhook_url
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        command = [sys.executable, str(Path(__file__).parent / "till.py"), "--port", str(self.port)]
        command += ["--database", str(self.database), "--webhook-url", self.webhook_url]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, env=environment, cwd=ROOT)
        try:
            wait_for(self._answers, seconds=60)
        except BaseException:
            self.stop()
            raise
        return self

    def _answers(self):
        assert self.process.poll() is None, "The server ended at once."
        try:
            return requests.get(f"{self.url}/sandbox/knobs", timeout=2).ok
        except requests.ConnectionError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()

    def client(self, key="sk_test_sandbox", **options):
        return stripe.StripeClient(key, base_addresses={"api": f"{self.url}/sandbox/stripe"}, **options)

    def knobs(self, **values):
        answer = requests.post(f"{self.url}/sandbox/knobs", json=values, timeout=5)
        assert answer.ok, answer.text


class Receiver:
    """Takes webhooks and checks each signature with the official package."""

    def __init__(self):
        self.events = []
        self.refusals = 0
        self.answer_with = 200
        self.delay = 0.0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                event = stripe.Webhook.construct_event(body, self.headers["stripe-signature"], SECRET)
                time.sleep(receiver.delay)
                if receiver.answer_with == 200:
                    receiver.events.append(event)
                else:
                    receiver.refusals += 1
                self.send_response(receiver.answer_with)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def types(self):
        return [event.type for event in self.events]

    def counts(self):
        return Counter(event.id for event in self.events)

    def wait_for(self, *types, seconds=15.0):
        wait_for(lambda: set(types) <= set(self.types()), seconds)

    def about(self, type):
        return [event for event in self.events if event.type == type]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
