"""A stage with a daemon in front of it: one for each setting and each delivery, so that they run side by side."""

from concurrent.futures import ThreadPoolExecutor

from bridge import Bridge, configuration, with_listener
from certs import Authority
from corpus import SETTINGS, proxy_ini, settings
from judge import judge
from play import DELIVERIES, Stage
from wire import DEADLINE


class Bench:
    """A stage, the daemon in front of it, and what that is configured to do."""

    def __init__(self, setting, folder):
        self.stage = Stage(DEADLINE)
        config = folder / f"{setting}.ini"
        url, more = proxy_ini(setting, self.stage.target.url)
        # A connection to the target belongs to the case during which it was made.
        text = configuration(url, "preconnect = off\n" + more)
        config.write_text(with_listener(text, lambda: Authority(folder).issue(setting)))
        self.settings = settings(setting, self.stage.target.authority)
        self.bridge = Bridge(["-c", config], cwd=folder, config=config)
        try:
            self.bridge.wait_ready()
        except BaseException:
            self.close()
            raise

    def play(self, case, delivery):
        return self.stage.play(case, self.bridge.address, delivery)

    def judge(self, case, delivery):
        """Says what is wrong, None for nothing."""
        try:
            judge(case, self.play(case, delivery), self.settings)
        except AssertionError as fault:
            return f"{delivery}: {fault}"
        return None

    def close(self):
        try:
            self.stage.close()
        finally:
            self.bridge.stop()


class Benches:
    """All of them."""

    def __init__(self, folder):
        self.pool = ThreadPoolExecutor(len(DELIVERIES))
        self.benches = {}
        try:
            self._start(folder)
        except BaseException:
            self.close()
            raise

    def _start(self, folder):
        for delivery in DELIVERIES:
            (folder / delivery).mkdir()
            for setting in SETTINGS:
                self.benches[setting, delivery] = Bench(setting, folder / delivery)

    def faults(self, case):
        """Plays the case in every way of delivery at once; says what is wrong."""
        benches = [(self.benches[case.setting, delivery], delivery) for delivery in DELIVERIES]
        return [fault for fault in self.pool.map(lambda it: it[0].judge(case, it[1]), benches) if fault]

    def close(self):
        self.pool.shutdown()
        failures = []
        for bench in self.benches.values():
            try:
                bench.close()
            except Exception as failure:  # the others must end as well
                failures.append(failure)
        if failures:
            raise failures[0]
