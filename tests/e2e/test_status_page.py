"""The status page in a real browser: it shows live figures, in any width and colour, and needs nothing from elsewhere."""

import pytest
from bridge import configuration
from message import get, response
from statuspage import STATUS, StatusPage, request
from target import answering
from wire import wait_until

WIDTHS = (1280, 768, 360)


def shown(element):
    return f"document.getElementById('{element}').textContent"


@pytest.fixture
def origin(start_target):
    return start_target().serve(answering(response(content=b"a" * 2048)))


@pytest.fixture
def page(connect, start_bridge, origin):
    return StatusPage(start_bridge(origin, "standby = 4\n" + STATUS), connect)


@pytest.fixture
def tab(browser, page):
    """The page, open and alive."""
    browser.complaints()  # an earlier page's
    tab = browser.emulate(WIDTHS[0]).open(f"http://{page.address}/")
    tab.wait(f"{shown('state')} === 'serving'", "the page says that the bridge serves")
    yield tab
    browser.open("about:blank")


def test_shows_live_figures(connect, page, tab, origin):
    assert tab.run(f"return {shown('total')}") == "0"
    tab.wait(f"{shown('standby')} === '4'", "the processes made ahead are shown")
    client = connect(page.bridge)
    for method in (b"GET", b"GET", b"PUT", b"BREW"):
        client.exchange(request(method))
    tab.wait(f"{shown('total')} === '4'", "the requests are shown")
    tab.wait(f"{shown('rate')} !== '0'", "their rate is shown")
    tab.wait("/ms|s/.test(document.getElementById('p50').textContent)", "the time that they took is shown")
    text = tab.text()
    for part in (origin.authority.decode(), page.bridge.address, str(page.bridge.config), "8.0 KiB", "none so far"):
        assert part in text, part
    rows = "return [...document.getElementById(arguments[0]).rows].map(row => row.innerText.split(/\\s+/).join(' '))"
    assert {"GET 2", "PUT 1", "other 1"} <= set(tab.run(rows, "methods"))
    assert {"2xx 4", "5xx 0"} <= set(tab.run(rows, "answers"))
    wait_until(lambda: "idle 1" in tab.run(rows, "children"), "the client's process is shown")
    tab.wait("document.querySelector('#chart .curve').getAttribute('d').length > 20", "the curve is drawn")
    assert tab.complaints() == []


def test_needs_nothing_from_elsewhere(page, tab):
    hosts = tab.run("return performance.getEntriesByType('resource').map(entry => new URL(entry.name).host)")
    assert set(hosts) == {page.address}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits(connect, page, tab, width, scheme):
    """No sideways scrolling, nothing cut off, and colours that can be told apart (WCAG 2.1, 1.4.3)."""
    connect(page.bridge).exchange(get())
    tab.emulate(width, scheme=scheme)
    tab.wait(f"{shown('total')} === '1'", "the request is shown")
    assert tab.run("return document.documentElement.scrollWidth") <= width
    picture = tab.screenshot()
    assert int.from_bytes(picture[16:20]) == width and len(picture) > 10_000, "a PNG so wide, and not blank"
    cut = """
        return [...document.querySelectorAll('section, td, th, .number')]
            .filter(node => node.scrollWidth > node.clientWidth + 1 || node.getBoundingClientRect().right > innerWidth)
            .map(node => node.outerHTML)
    """
    assert tab.run(cut) == []
    contrast = """
        const light = colour => {
            const [r, g, b] = colour.match(/\\d+/g).map(part => part / 255)
                .map(part => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
            return .2126 * r + .7152 * g + .0722 * b;
        };
        const ground = node => {
            const colour = getComputedStyle(node).backgroundColor;
            return /, 0\\)$/.test(colour) ? ground(node.parentElement) : colour;
        };
        return [...document.querySelectorAll('h1, h2, p, td, th, a, .state, .where, #about')].map(node => {
            const [low, high] = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => a - b);
            return (high + .05) / (low + .05);
        });
    """
    assert min(tab.run(contrast)) >= 4.5
    is_dark = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] < 128"
    assert tab.run(is_dark) is (scheme == "dark")


def test_can_be_used_without_eyes(tab):
    """What a screen reader needs: a language, a title, headings, names of regions and of the picture, table headers."""
    assert tab.run("return [document.documentElement.lang, document.title]") == ["en", "authbridge"]
    nameless = """
        return [...document.querySelectorAll('section')]
            .filter(node => !document.getElementById(node.getAttribute('aria-labelledby'))?.textContent.trim()).length
    """
    assert tab.run(nameless) == 0
    assert tab.run("return document.getElementById('state').getAttribute('role')") == "status"
    assert tab.run("return document.getElementById('chart').getAttribute('aria-label')")
    assert tab.run("return [...document.querySelectorAll('tbody tr')].every(row => row.cells[0].scope === 'row')")
    assert tab.run("return document.querySelectorAll('h1').length") == 1


def test_a_failed_reload_is_shown(page, tab, origin):
    page.bridge.reload(configuration(origin.url, "[limits]\nconnections = <b>none</b>\n" + STATUS))
    page.bridge.message("reload failed")
    tab.wait("document.body.innerText.includes('connections = <b>none</b>')", "the error is shown, as text")
    assert tab.run(f"return {shown('state')}") == "serving"


def test_says_when_the_bridge_is_gone(page, tab):
    page.bridge.stop()
    tab.wait(f"{shown('state')} === 'not reachable'", "the page says so")
