/* Tests of browser: the marks of a browser, and of a page of another site. */
#include "browser.h"
#include "support.h"

#define GET "GET / HTTP/1.1\r\nHost: bridge.example:8080\r\n"

static const struct mark_row {
    const char *name, *fields;
    bool marked;
} mark_rows[] = {
    {"none", "", false},
    {"curl", "User-Agent: curl/8.0\r\nAccept: */*\r\n", false},
    {"Origin", "origin: http://a.example\r\n", true},
    {"Referer", "Referer: http://a.example/\r\n", false},
    {"Accept-Language, as a script may empty it", "Accept-Language:\r\n", true},
    {"Sec-Fetch-Mode", "Sec-Fetch-Mode: cors\r\n", true},
    {"Sec-Fetch- and more to come", "sec-fetch-new: a\r\n", true},
    {"the agent of all browsers", "User-Agent: Mozilla/5.0 (X11)\r\n", false},
    {"names that are longer", "X-Origin: a\r\nReferers: a\r\nSec-Fetch: a\r\n", false},
};

static void check_mark(const void *row_at)
{
    const struct mark_row *row = row_at;

    check(request_of(text_of(GET "%s\r\n", row->fields)).browser.marked == row->marked, "marked");
}

static const struct judge_row {
    const char *name, *fields;
    enum browser_verdict verdict;
} judge_rows[] = {
    {"no browser", "", BROWSER_OWN_SITE},
    {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: cross-site\r\n", BROWSER_CROSS_SITE},
    {"same-site", "Sec-Fetch-Site: same-site\r\n", BROWSER_OWN_SITE},
    {"same-origin", "Sec-Fetch-Site: same-origin\r\n", BROWSER_OWN_SITE},
    {"none", "sec-fetch-site: none\r\n", BROWSER_OWN_SITE},
    {"nonsense", "Sec-Fetch-Site: same\r\n", BROWSER_NONSENSE},
    {"capitals, which no browser sends", "Sec-Fetch-Site: None\r\n", BROWSER_NONSENSE},
    {"empty", "Sec-Fetch-Site:\r\n", BROWSER_NONSENSE},
    {"a list", "Sec-Fetch-Site: none, none\r\n", BROWSER_NONSENSE},
    {"twice", "Sec-Fetch-Site: none\r\nSec-Fetch-Site: none\r\n", BROWSER_NONSENSE},
    {"Sec-Fetch-Site goes before Origin",
     "Sec-Fetch-Site: same-site\r\nOrigin: http://a.example\r\n", BROWSER_OWN_SITE},
    {"so does cross-site", "Sec-Fetch-Site: cross-site\r\nOrigin: http://bridge.example\r\n",
     BROWSER_CROSS_SITE},
    {"Origin of the same host and port", "Origin: http://bridge.example:8080\r\n",
     BROWSER_OWN_SITE},
    {"Origin of the same host", "Origin: https://BRIDGE.example\r\n", BROWSER_OWN_SITE},
    {"Origin of another host", "Origin: http://a.example\r\n", BROWSER_CROSS_SITE},
    {"Origin of a host below", "Origin: http://a.bridge.example\r\n", BROWSER_CROSS_SITE},
    {"Origin: null", "Origin: null\r\n", BROWSER_CROSS_SITE},
    {"Origin: null from here", "Origin: null\r\nSec-Fetch-Site: same-origin\r\n", BROWSER_OWN_SITE},
    {"Origin of an extension", "Origin: moz-extension://3c1a-b\r\n", BROWSER_CROSS_SITE},
    {"Origin without a scheme", "Origin: bridge.example\r\n", BROWSER_NONSENSE},
    {"Origin with a path", "Origin: http://bridge.example/\r\n", BROWSER_NONSENSE},
    {"Origin with a user", "Origin: http://a@bridge.example\r\n", BROWSER_NONSENSE},
    {"Origin with one slash", "Origin: http:/bridge.example\r\n", BROWSER_NONSENSE},
    {"Origin of no scheme", "Origin: ://bridge.example\r\n", BROWSER_NONSENSE},
    {"Origin of a digit's scheme", "Origin: 1http://bridge.example\r\n", BROWSER_NONSENSE},
    {"Origin with an odd scheme", "Origin: ht_tp://bridge.example\r\n", BROWSER_NONSENSE},
    {"Origin empty", "Origin:\r\n", BROWSER_NONSENSE},
    {"Origin of file:", "Origin: file://\r\n", BROWSER_NONSENSE},
    {"two in one Origin", "Origin: http://bridge.example http://a.example\r\n", BROWSER_NONSENSE},
    {"two Origins", "Origin: http://bridge.example\r\nOrigin: http://bridge.example\r\n",
     BROWSER_NONSENSE},
    {"nonsense beside a good Sec-Fetch-Site", "Origin: a\r\nSec-Fetch-Site: none\r\n",
     BROWSER_NONSENSE},
};

static void check_judge(const void *row_at)
{
    const struct judge_row *row = row_at;
    struct http_request request = request_of(text_of(GET "%s\r\n", row->fields));

    check_number("verdict", browser_judge(&request.browser, request.authority), row->verdict);
}

static void judges_without_host(void)
{
    struct http_request request = request_of("GET / HTTP/1.0\r\nOrigin: http://a.example\r\n\r\n");

    check_number("verdict", browser_judge(&request.browser, request.authority), BROWSER_CROSS_SITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(mark_rows, check_mark),
        ROWS(judge_rows, check_judge),
        TEST(judges_without_host),
    };

    return cmocka_run_group_tests_name("browser", tests, NULL, NULL);
}
