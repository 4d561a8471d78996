"""All cases of the conformance table, and the settings that they are played under."""

import cases_cors
import cases_forwarding
import cases_request_framing
import cases_request_head
import cases_response
from model import Settings

GROUPS = {
    "request heads": cases_request_head.CASES,
    "request framing": cases_request_framing.CASES,
    "forwarding": cases_forwarding.CASES,
    "responses": cases_response.CASES,
    "cross-origin": cases_cors.CASES,
}
CASES = [case for cases in GROUPS.values() for case in cases]

TOKEN = b"Bearer only-the-target-sees-this"
KEY = b"k e=y;#1"


def settings(setting, authority):
    """What the bridge is configured to do under a setting's name."""
    if setting == "inject":
        return Settings(
            authority,
            request_fields=((b"Authorization", TOKEN), (b"X-Api-Key", KEY), (b"X-Debug", None)),
            response_fields=((b"X-Served-By", b"authbridge"), (b"Server", None)),
        )
    if setting == "cors":
        return Settings(authority, origins=(cases_cors.APP,))
    return Settings(authority, base_path=b"/base/path" if setting == "base" else b"")


def proxy_ini(setting, url):
    """The target, and the rest of a proxy.ini behind its line. Browsers too may ask under the name in the cases."""
    url, more = _proxy_ini(setting, url)
    return url, more + "[access]\nhosts = *\n"


def _proxy_ini(setting, url):
    if setting == "base":
        return url + "/base/path", ""
    if setting == "inject":
        fields = f"Authorization = {TOKEN.decode()}\nX-Api-Key = {KEY.decode()}\nX-Debug =\n"
        return url, f"[request-headers]\n{fields}[response-headers]\nX-Served-By = authbridge\nServer =\n"
    if setting == "cors":
        return url, f"[cors]\norigins = {cases_cors.APP.decode()}\nexpose = X-Count\n"
    if setting == "small":
        return url, "[limits]\nrequest_head = 1K\nrequest_fields = 5\nrequest_target = 64B\nrequest_body = 10B\n"
    return url, ""


SETTINGS = ("plain", "inject", "base", "small", "cors")
