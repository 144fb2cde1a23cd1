"""A till for the tests: the sandbox mounted beside one checkout page, on a real Daphne server.

Run as a process of its own, so that a test can kill it.
"""

import argparse
import asyncio
from pathlib import Path

from daphne.server import Server

from shop.sandbox import Sandbox

POLICY = b"default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'"
PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Till</title>
    <link rel="stylesheet" href="/till.css">
  </head>
  <body>
    <main>
      <h1>Pay</h1>
      <form id="form">
        <div id="payment"></div>
        <p id="message" role="alert"></p>
        <button id="pay">Pay</button>
      </form>
      <p id="result"></p>
    </main>
    <script src="/sandbox/stripe/js/stripe.js"></script>
    <script src="/till.js"></script>
  </body>
</html>
"""
SCRIPT = """
const asked = new URLSearchParams(location.search);
const stripe = Stripe("pk_test_sandbox");
const appearance = { variables: JSON.parse(asked.get("variables") || "{}") };
const setup = asked.get("secret").startsWith("seti_");
const elements = stripe.elements({ clientSecret: asked.get("secret"), appearance });
const payment = elements.create("payment");
const seen = [];
payment.on("ready", () => { seen.push("ready"); document.body.dataset.ready = "yes"; });
payment.on("change", (event) => { document.body.dataset.complete = event.complete; });
payment.mount("#payment");
document.querySelector("#form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const submitted = await elements.submit();
  if (submitted.error) return show(submitted.error);
  const call = setup ? "confirmSetup" : "confirmPayment";
  const confirmParams = { return_url: location.origin + "/thanks?order=7" };
  const options = { elements, clientSecret: asked.get("secret"), confirmParams };
  if (asked.get("redirect")) options.redirect = asked.get("redirect");
  const result = await stripe[call](options);
  if (result.error) return show(result.error);
  document.querySelector("#result").textContent = (result.paymentIntent || result.setupIntent).status;
});
function show(error) {
  document.querySelector("#message").textContent = `${error.code}: ${error.message}`;
}
"""
STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; background: #fff; color: #16202a; font-family: system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { body { background: #141d25; color: #e9e4d8; } }
main { max-width: 520px; margin: 0 auto; padding: 20px; }
"""
FILES = {
    "/": ("text/html; charset=utf-8", PAGE),
    "/thanks": ("text/html; charset=utf-8", "<!doctype html><title>Thanks</title><h1>Thanks</h1>"),
    "/till.js": ("text/javascript", SCRIPT),
    "/till.css": ("text/css", STYLE),
}


def till(sandbox):
    async def app(scope, receive, send):
        if scope["path"].startswith("/sandbox/") or scope["type"] != "http":
            await sandbox(scope, receive, send)
            return
        kind, text = FILES.get(scope["path"], ("text/plain", ""))
        headers = [(b"content-type", kind.encode()), (b"content-security-policy", POLICY)]
        status = 200 if scope["path"] in FILES else 404
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    return app


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--webhook-url", default="")
    options = parser.parse_args()
    base_url = f"http://127.0.0.1:{options.port}"
    sandbox = Sandbox(options.database, base_url, options.webhook_url, "whsec_test")
    started = []
    Server(
        application=till(sandbox),
        endpoints=[f"tcp:port={options.port}:interface=127.0.0.1"],
        ready_callable=lambda: started.append(asyncio.ensure_future(sandbox.start())),
    ).run()


if __name__ == "__main__":
    main()
