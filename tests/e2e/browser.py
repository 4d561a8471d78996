"""Headless Chromium, driven through chromedriver: for what only a real browser shows. It reaches loopback alone,
where every name below `example` leads.

It keeps connections, and opens some ahead of need: give a bridge that it talks to a short `drain`, or the bridge waits
for them when it is stopped.
"""

import os
import re
import signal
import subprocess
from contextlib import suppress

from bridge import Lines, environment
from selenium import webdriver
from wire import DEADLINE, wait_until

START_SECONDS = 60
SWITCHES = (
    "--headless",
    "--no-sandbox",  # which root may not have
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
SETTLED = """
    const done = arguments[arguments.length - 1];
    (async () => { %s })().then(value => done({ value }), error => done({ error: String(error) }));
"""


class Browser:
    """One Chromium with a fresh profile in `folder`; ended with all its processes by close()."""

    def __init__(self, folder):
        port = self._start(folder) or self._start(folder)  # the port that it picks may be taken for IPv4
        assert port, "chromedriver does not start"
        try:
            options = webdriver.ChromeOptions()
            for switch in (*SWITCHES, f"--user-data-dir={folder}/profile"):
                options.add_argument(switch)
            options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
            options.ignore_local_proxy_environment_variables()
            self.driver = webdriver.Remote(f"http://127.0.0.1:{port}", options=options)
            self.driver.set_page_load_timeout(START_SECONDS)
            self.driver.set_script_timeout(START_SECONDS)
        except BaseException:
            self.close()
            raise

    def _start(self, folder):
        """Starts chromedriver; says its port, or None when it has ended."""
        self.process = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment({"HOME": str(folder), "TMPDIR": str(folder)}),
            start_new_session=True,
            text=True,
        )
        lines = Lines(self.process.stdout)
        try:
            line = lines.wait(lambda line: "started successfully" in line, 1, "port")[0]
        except AssertionError:
            self.close()
            return None
        return re.search(r"on port (\d+)", line)[1]

    def open(self, url):
        """Loads a page, with all that it refers to."""
        self.driver.get(url)
        return self

    def emulate(self, width, height=800, scheme="light"):
        """Shows pages from now on in a window of that size, and asks for light or dark colours."""
        self._devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        return self

    def believe(self, everybody):
        """Takes any certificate from now on, or only good ones."""
        self._devtools("Security.setIgnoreCertificateErrors", ignore=everybody)
        return self

    def _devtools(self, command, **parameters):
        self.driver.command_executor._commands["devtools"] = ("POST", "/session/$sessionId/goog/cdp/execute")
        return self.driver.execute("devtools", {"cmd": command, "params": parameters})["value"]

    def text(self):
        """The page's text as a reader sees it."""
        return self.run("return document.body.innerText")

    def run(self, script, *arguments):
        """Runs the body of a function in the page, with arguments[0] and so on; says what it returns."""
        return self.driver.execute_script(script, *arguments)

    def settle(self, script, *arguments):
        """The same for an async function: says what its promise becomes, and fails when that is an error.

        `arguments` are at hand by that name, and the function has them from its surroundings.
        """
        outcome = self.driver.execute_async_script(SETTLED % script, *arguments)
        assert "error" not in outcome, outcome["error"]
        return outcome["value"]

    def wait(self, condition, what, deadline=DEADLINE):
        """Waits until a JavaScript expression is true in the page; says its value."""
        return wait_until(lambda: self.run(f"return {condition}"), what, deadline)

    def screenshot(self):
        """What the window shows, as PNG."""
        return self.driver.get_screenshot_as_png()

    def complaints(self):
        """What the browser wrote to its console since the last call: blocked requests, script errors."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def close(self):
        with suppress(Exception):  # it may not have come so far; the session is ended below in any case
            self.driver.quit()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
