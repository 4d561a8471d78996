/* Tests of config: each fault is reported where it stands, with what would be right, and never with
 * a secret. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "support.h"

#define SECRET "s3cret"
#define BOM    "\xEF\xBB\xBF"

/* Loads what must be refused: the report's lines must point to the places and hold the hint. */
static void check_refused(const struct config_source *source, const char *places, const char *hint)
{
    const char *report;

    check(load_config(source, &report) == NULL, "accepted");
    if (!check_text("places", places_of(report, source->file), places))
        check(false, "report: %s", report);
    check_has("hint", report, hint);
    check_lacks("report", report, SECRET);
}

struct fault_row {
    const char *name, *settings;
    const char *places, *hint;
};

static void check_file(const char *content, const struct fault_row *row)
{
    check_refused(&(struct config_source){.file = new_file(slice_of(content))}, row->places,
                  row->hint);
}

/* ---- one setting, in line 3 or behind it ---- */

#define LISTEN_HINT   "for example 127.0.0.1:8080"
#define TARGET_HINT   "for example https://preprod.example.com"
#define HOST_HINT     "for example preprod.example.com"
#define EGRESS_HINT   "for example http://proxy.example.com:3128"
#define DURATION_HINT "for example 500ms, 10s or 2m"
#define SIZE_HINT     "for example 512B, 64K or 10M"
#define ALLOW_HINT    "10.0.0.0/8"

static const struct fault_row setting_rows[] = {
    {"listen is empty", "listen =\n", "3 ", LISTEN_HINT},
    {"listen without a port", "listen = 127.0.0.1\n", "3 ", LISTEN_HINT},
    {"listen without an address", "listen = 8080\n", "3 ", LISTEN_HINT},
    {"listen by name", "listen = a.example:80\n", "3 ", LISTEN_HINT},
    {"listen on a high port", "listen = 127.0.0.1:65536\n", "3 ", LISTEN_HINT},
    {"listen with a comma at its end", "listen = 127.0.0.1:80,\n", "3 ", LISTEN_HINT},
    {"listen without commas", "listen = 127.0.0.1:80 127.0.0.1:81\n", "3 ", LISTEN_HINT},
    {"second address", "listen = 127.0.0.1:80, 81\n", "3 ", "listen = 81: give"},
    {"two bad addresses", "listen = 80, 81\n", "3 3 ", LISTEN_HINT},
    {"the same address twice", "listen = 127.0.0.1:80, localhost:80\n", "3 ",
     "localhost:80 stands twice"},
    {"listen on any address", "listen = 0.0.0.0:80\n", "3 ", "allow = 10.0.0.0/8"},
    {"listen on any IPv6 address", "listen = [::]:80\n", "3 ", "allow = 10.0.0.0/8"},
    {"listen on another address beside loopback", "listen = 127.0.0.1:80, 10.0.0.1:80\n", "3 ",
     "listen = 10.0.0.1:80: "},
    {"host is empty", "host =\n", "3 ", HOST_HINT},
    {"host is a URL", "host = https://a.example\n", "3 ", HOST_HINT},
    {"host with a path", "host = a.example/b\n", "3 ", HOST_HINT},
    {"host with a port by name", "host = a.example:http\n", "3 ", HOST_HINT},
    {"host with a space", "host = a.example b.example\n", "3 ", HOST_HINT},
    {"host with a CR", "host = a.example\rb\n", "3 ", HOST_HINT},
    {"egress is empty", "egress =\n", "3 ", EGRESS_HINT},
    {"egress without a port", "egress = http://a.example\n", "3 ", EGRESS_HINT},
    {"egress with a path", "egress = http://a.example:3128/b\n", "3 ", EGRESS_HINT},
    {"egress with a request's variable", "egress = http://${client_ip}:3128\n", "3 ", EGRESS_HINT},
    {"egress without a scheme", "egress = a.example:3128\n", "3 ", EGRESS_HINT},
    {"egress by https", "egress = https://a.example:3128\n", "3 ", EGRESS_HINT},
    {"egress with a bad port", "egress = http://u:" SECRET "@a.example:x\n", "3 ", EGRESS_HINT},
    {"egress from no variable", "egress = ${env:UNIT_NOT_SET}\n", "3 ", "UNIT_NOT_SET is not set"},
    {"egress with a bad variable", "egress = http://u:" SECRET "$@a.example\n", "3 ", "$$"},
    {"target twice", "target = http://b.example\n", "3 ", "target stands twice"},
    {"listen twice", "listen = 127.0.0.1:1\nlisten = 127.0.0.1:2\n", "4 ", "listen stands twice"},
    {"twice in two parts of a section", "[log]\nlevel = info\n[tls]\n[log]\nlevel = info\n", "7 ",
     "level stands twice"},
    {"hosts with a scheme", "[access]\nhosts = a.example, http://b.example\n", "4 ",
     "hosts = http://b.example: give the names that clients ask for"},
    {"hosts with a star within", "[access]\nhosts = a.*.example\n", "4 ", "*.dev.example"},
    {"hosts empty", "[access]\nhosts =\n", "4 ", "*.dev.example"},
    {"cross_site is a switch", "[access]\ncross_site = off\n", "4 ", "refuse or allow"},
    {"an origin without a scheme", "[cors]\norigins = a.example\n", "4 ", "https://app.example"},
    {"an origin with a path", "[cors]\norigins = https://a.example/\n", "4 ",
     "https://app.example"},
    {"an origin with a star", "[cors]\norigins = https://*.example\n", "4 ", "or * for all"},
    {"the origin null", "[cors]\norigins = null\n", "4 ", "https://app.example"},
    {"no name of a field", "[cors]\norigins = *\nexpose = X-A X-B\n", "5 ", "with commas between"},
    {"methods without origins", "[cors]\nmethods = GET\n", "4 ", "methods needs origins beside it"},
    {"max_age without origins", "[cors]\nmax_age = 1m\n", "4 ", "origins beside it"},
    {"all origins and one", "[cors]\norigins = *, http://a.example\n", "4 ", "give it alone"},
    {"all origins with credentials", "[cors]\ncredentials = on\norigins = *\n", "5 ",
     "list the origins"},
    {"all fields with credentials",
     "[cors]\ncredentials = on\norigins = http://a.example\nexpose = *\n", "6 ", "list the fields"},
    {"a field that [cors] writes",
     "[cors]\norigins = *\n[response-headers]\naccess-control-allow-origin = *\n", "6 ",
     "written by [cors]"},
    {"Vary beside [cors]", "[response-headers]\nVary = A\n[cors]\norigins = http://a.example\n",
     "4 ", "Vary has to name Origin"},
    {"time without a unit", "[timeouts]\nconnect = 5\n", "4 ", DURATION_HINT},
    {"count with a unit", "[limits]\nconnections = 5K\n", "4 ", "give a number"},
    {"no connections", "[limits]\nconnections = 0\n", "4 ", "give 1 to 100000"},
    {"too many connections", "[limits]\nconnections = 100001\n", "4 ", "give 1 to 100000"},
    {"a negative count", "[limits]\nconnections = -1\n", "4 ", "give a number"},
    {"size without a unit", "[limits]\nrequest_head = 65536\n", "4 ", SIZE_HINT},
    {"size with another unit", "[limits]\nrequest_head = 64KB\n", "4 ", SIZE_HINT},
    {"head too small", "[limits]\nrequest_head = 1023B\n", "4 ", "give 1K to 1M"},
    {"head too large", "[limits]\nrequest_head = 1025K\n", "4 ", "give 1K to 1M"},
    {"unlimited head", "[limits]\nrequest_head = unlimited\n", "4 ", SIZE_HINT},
    {"no fields", "[limits]\nrequest_fields = 0\n", "4 ", "give 1 to 10000"},
    {"too many fields", "[limits]\nrequest_fields = 10001\n", "4 ", "give 1 to 10000"},
    {"target too small", "[limits]\nrequest_target = 63B\n", "4 ", "give 64B to 1M"},
    {"target too large", "[limits]\nrequest_target = 2M\n", "4 ", "give 64B to 1M"},
    {"target larger than the head", "[limits]\nrequest_head = 2K\nrequest_target = 3K\n", "5 ",
     "give less"},
    {"content without a unit", "[limits]\nrequest_body = 5\n", "4 ", "or unlimited"},
    {"content in words", "[limits]\nrequest_body = none\n", "4 ", "or unlimited"},
    {"content over 2^63", "[limits]\nrequest_body = 8589934592G\n", "4 ", "or unlimited"},
    {"switch", "[tls]\nverify = true\n", "4 ", "give on or off"},
    {"switch in capitals", "[log]\naccess = ON\n", "4 ", "give on or off"},
    {"switch is empty", "[log]\naccess =\n", "4 ", "give on or off"},
    {"CA file is empty", "[tls]\nca_file =\n", "4 ", "give a value"},
    {"CA file is not there", "[tls]\nca_file = /nonexistent/ca.pem\n", "4 ", "/nonexistent/ca.pem"},
    {"key without a certificate", "[tls]\nclient_key = /dev/null\n", "4 ", "client_cert"},
    {"certificate is not there", "[tls]\nclient_cert = /nonexistent/c\nclient_key = /dev/null\n",
     "4 ", "/nonexistent/c"},
    {"key is not there", "[tls]\nclient_cert = /dev/null\nclient_key = /nonexistent/k\n", "5 ",
     "/nonexistent/k"},
    {"server name with a port", "[tls]\nserver_name = a.example:443\n", "4 ",
     "for example preprod.example.com"},
    {"server name that is a URL", "[tls]\nserver_name = https://a.example\n", "4 ",
     "for example preprod.example.com"},
    {"server name is empty", "[tls]\nserver_name =\n", "4 ", "give a value"},
    {"pin of another kind", "[tls]\npinned_key = md5//abc\n", "4 ", "sha256//"},
    {"pin in a file that is not there", "[tls]\npinned_key = /nonexistent/pin\n", "4 ",
     "/nonexistent/pin"},
    {"pin that is too short", "[tls]\npinned_key = sha256//abc=\n", "4 ", "44 characters"},
    {"pin without its padding",
     "[tls]\npinned_key = sha256//abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR\n", "4 ",
     "44 characters"},
    {"pin with another character",
     "[tls]\npinned_key = sha256//abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_=\n", "4 ",
     "44 characters"},
    {"second pin is empty",
     "[tls]\npinned_key = sha256//abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ=;\n", "4 ",
     "44 characters"},
    {"pin is empty", "[tls]\npinned_key =\n", "4 ", "give a value"},
    {"listen with TLS, no certificate", "listen = https://127.0.0.1:81\n", "3 ",
     "set cert and key in [listen-tls]"},
    {"listen with TLS, no port", "listen = https://127.0.0.1\n", "3 ", LISTEN_HINT},
    {"listen with http", "listen = http://127.0.0.1:81\n", "3 ", LISTEN_HINT},
    {"the same address with TLS and without",
     "listen = 127.0.0.1:81, https://127.0.0.1:81\n[listen-tls]\ncert = /dev/null\n", "3 ",
     "stands twice"},
    {"status page with TLS", "[status]\nlisten = https://127.0.0.1:81\n", "4 ", "without https://"},
    {"listener's certificate is not there", "[listen-tls]\ncert = /nonexistent/c\n", "4 ",
     "cert = /nonexistent/c: cannot read"},
    {"listener's key is not there", "[listen-tls]\ncert = /dev/null\nkey = /nonexistent/k\n", "5 ",
     "key = /nonexistent/k: cannot read"},
    {"listener's key without a certificate", "[listen-tls]\nkey = /dev/null\n", "4 ",
     "key needs cert"},
    {"clients' CA is not there", "[listen-tls]\nclient_ca = /nonexistent/c\n", "4 ",
     "client_ca = /nonexistent/c: cannot read"},
    {"clients asked for certificates of nobody", "[listen-tls]\nclient_auth = request\n", "4 ",
     "client_ca"},
    {"least version too old", "[listen-tls]\nmin_version = 1.1\n", "4 ", "give 1.2 or 1.3"},
    {"allow is empty", "[access]\nallow =\n", "4 ", ALLOW_HINT},
    {"allow by name", "[access]\nallow = a.example\n", "4 ", ALLOW_HINT},
    {"allow with host bits", "[access]\nallow = 10.0.0.1/8\n", "4 ", ALLOW_HINT},
    {"allow with a comma at its end", "[access]\nallow = 10.0.0.0/8,\n", "4 ", ALLOW_HINT},
    {"second network", "[access]\nallow = 10.0.0.0/8, x\n", "4 ", "allow = x: give"},
    {"level", "[log]\nlevel = notice\n", "4 ", "error, warning, info or debug"},
    {"level in capitals", "[log]\nlevel = INFO\n", "4 ", "error, warning, info or debug"},
    {"level is empty", "[log]\nlevel =\n", "4 ", "error, warning, info or debug"},
    {"comment behind a value", "[log]\nlevel = info ; or debug\n", "4 ",
     "error, warning, info or debug"},
    {"quoted value", "[log]\nlevel = \"info\"\n", "4 ", "error, warning, info or debug"},

    {"unknown setting", "listne = 127.0.0.1:80\n", "3 ", "listen, target, host, user, egress"},
    {"unknown setting of [timeouts]", "[timeouts]\nidle = 5s\n", "4 ", "client_idle"},
    {"setting of another section", "[limits]\nconnect = 5s\n", "4 ", "request_head"},
    {"setting in capitals", "[log]\nLevel = info\n", "4 ", "level, access"},
    {"setting without a name", "= b\n", "3 ", "listen, target, host, user, egress"},
    {"unknown section", "[porxy]\nlisten = 127.0.0.1:80\n", "3 ", "[request-headers]"},
    {"unknown section without settings", "[request-header]\n", "3 ", "[request-headers]"},
    {"section in capitals", "[TLS]\n", "3 ", "[tls]"},
    {"section with spaces", "[ tls ]\n", "3 ", "[tls]"},
    {"section without a name", "[]\n", "3 ", "[proxy]"},
    {"section of 50 bytes", "[sssssssssssssssssssssssssssssssssssssssssssssssss5]\n", "3 ", "49"},
    {"neither", "[log]\ninfo\n", "4 ", "name = value"},
    {"neither, and a fault behind it", "[log]\ninfo\nlevel = x\n", "5 4 ", "name = value"},
    {"text behind a section", "[log] level = info\n", "3 ", "["},
};

/* The text with each LF as CRLF. */
static const char *with_crlf(const char *text)
{
    struct buffer *out = new_buffer(2 * strlen(text) + 1);

    for (; *text != '\0'; text++) {
        buffer_add_text(out, *text == '\n' ? "\r" : "");
        buffer_add(out, (struct slice){text, 1});
    }
    buffer_add(out, (struct slice)OCTETS("\0"));
    return out->at;
}

static void check_setting(const void *at)
{
    const struct fault_row *row = at;
    const char *content = text_of("[proxy]\ntarget = http://a.example\n%s", row->settings);

    check_file(content, row);
    check_file(with_crlf(content), row);
}

static void test_all_durations(void)
{
    static const char *const names[] = {"connect",  "request_head", "client_idle", "client_write",
                                        "response", "tunnel_idle",  "drain"};
    static const struct fault_row bad[] = {
        {"no unit", "5", "4 ", DURATION_HINT},    {"empty", "", "4 ", DURATION_HINT},
        {"negative", "-1s", "4 ", DURATION_HINT}, {"fraction", "1.5s", "4 ", DURATION_HINT},
        {"zero", "0s", "4 ", "give 1ms to 24h"},  {"long", "86400001ms", "4 ", "give 1ms to 24h"},
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        for (size_t j = 0; j < COUNT_OF(bad); j++)
            check_file(text_of("[proxy]\ntarget = http://a.example\n[timeouts]\n%s = %s\n",
                               names[i], bad[j].settings),
                       &bad[j]);
}

/* ---- fields, in line 4 or behind it ---- */

#define TOKEN_HINT "letters, digits and !#$%&'*+-.^_`|~"

static const struct fault_row field_rows[] = {
    {"Host", "Host = a.example\n", "4 ", "host = in [proxy]"},
    {"host in lower case", "host = a.example\n", "4 ", "host = in [proxy]"},
    {"Connection (RFC 9110 7.6.1)", "Connection = close\n", "4 ", "belongs to the connection"},
    {"Keep-Alive", "Keep-Alive = timeout=5\n", "4 ", "belongs to the connection"},
    {"Proxy-Connection", "Proxy-Connection = x\n", "4 ", "belongs to the connection"},
    {"Transfer-Encoding", "transfer-encoding = chunked\n", "4 ", "belongs to the connection"},
    {"Content-Length", "Content-Length = 5\n", "4 ", "belongs to the connection"},
    {"Content-Length, removed", "Content-Length =\n", "4 ", "belongs to the connection"},
    {"Upgrade", "Upgrade = websocket\n", "4 ", "belongs to the connection"},
    {"TE", "TE = trailers\n", "4 ", "belongs to the connection"},
    {"Trailer", "Trailer = x\n", "4 ", "belongs to the connection"},
    {"Expect", "Expect = 100-continue\n", "4 ", "belongs to the connection"},
    {"no name", "= b\n", "4 ", TOKEN_HINT},
    {"space in the name", "X A = b\n", "4 ", TOKEN_HINT},
    {"quoted name", "\"X-A\" = b\n", "4 ", TOKEN_HINT},
    {"brackets in the name", "X[A] = b\n", "4 ", TOKEN_HINT},
    {"obs-text in the name", "X\xE4 = b\n", "4 ", TOKEN_HINT},
    {"control octet in the name", "X\x01 = b\n", "4 ", TOKEN_HINT},
    {"the same twice", "X-A = b\nX-A = c\n", "5 ", ":4"},
    {"the same in another case", "X-A = b\nx-a = c\n", "5 ", ":4"},
    {"the same with an underscore", "X-A = b\nX_A = c\n", "5 ", ":4"},
    {"the same to CGI", "X-A = b\nX.A = c\n", "5 ", ":4"},
    {"removed twice", "X-A =\nX-A =\n", "5 ", ":4"},
    {"set and removed", "X-A = b\nX-A =\n", "5 ", ":4"},
    {"CR in the value (RFC 9110 5.5)", "X-A = b\rX-C: d\n", "4 ", "0x0d"},
    {"control octet in the value", "X-A = b\x1B\n", "4 ", "0x1b"},
    {"DEL in the value",
     "X-A = b\x7F"
     "c\n",
     "4 ", "0x7f"},
    {"dollar", "X-A = " SECRET "$\n", "4 ", "$$"},
    {"unknown variable", "X-A = " SECRET "${nonsense}\n", "4 ", "${env:NAME}"},
    {"variable that is not closed", "X-A = " SECRET "${env:X\n", "4 ", "${name}"},
    {"no such variable", "X-A = ${env:UNIT_NOT_SET}\n", "4 ", "UNIT_NOT_SET is not set"},
    {"empty variable", "X-A = ${env:UNIT_EMPTY}\n", "4 ", "UNIT_EMPTY is empty"},
    {"CR in a variable", "X-A = ${env:UNIT_CR}\n", "4 ", "0x0d"},
    {"LF in a variable", "X-A = ${env:UNIT_LF}\n", "4 ", "0x0a"},
    {"no such file", "X-A = ${file:/nonexistent/token}\n", "4 ", "/nonexistent/token"},
    {"credential outside systemd", "X-A = ${cred:token}\n", "4 ", "LoadCredential="},
    {"two faults", "X-A = $\nX-B = $\n", "4 5 ", "X-B"},
    {"faults and a good one", "X A = b\nX-B = b\nX-C = $\n", "4 6 ", "X-C"},
    {"a secret that is wrapped", "Authorization = Bearer\n    " SECRET "/" SECRET "==\n", "5 ",
     "header"},
};

static void check_field(const void *at)
{
    const struct fault_row *row = at;

    check_file(text_of("[proxy]\ntarget = http://a.example\n[request-headers]\n%s", row->settings),
               row);
    check_file(text_of("[proxy]\ntarget = http://a.example\n[response-headers]\n%s", row->settings),
               row);
}

/* ---- values from files ---- */

static const struct expansion_row {
    const char *name;
    struct slice content;
    const char *hint;
} expansion_rows[] = {
    {"two lines", OCTETS(SECRET "\n" SECRET), "0x0a"},
    {"CR", OCTETS(SECRET "\r" SECRET), "0x0d"},
    {"NUL", OCTETS(SECRET "\0"), "0x00"},
    {"empty", OCTETS("\n"), "is empty"},
};

static void check_expansion(const void *at)
{
    const struct expansion_row *row = at;
    const char *content =
        text_of("[proxy]\ntarget = http://a.example\n[request-headers]\nX-A = ${file:%s}\n",
                new_file(row->content));

    check_file(content, &(struct fault_row){.places = "4 ", .hint = row->hint});
}

static void test_value_that_is_too_long(void)
{
    const char *content = text_of("[proxy]\ntarget = http://a.example\n[request-headers]\n"
                                  "X-A = %s\n",
                                  letters(VALUE_BYTES_MAX + 1));

    check_file(content, &(struct fault_row){.places = "4 ", .hint = "65536 bytes"});
}

/* ---- whole files ---- */

static const struct fault_row file_rows[] = {
    {"empty", "", "file ", "target = https://"},
    {"no target", "[proxy]\nlisten = 127.0.0.1:80\n", "file ", "target = https://"},
    {"bad target", "[proxy]\n\ntarget = a.example\n", "3 ", TARGET_HINT},
    {"empty target", "[proxy]\ntarget =\n", "2 ", TARGET_HINT},
    {"target with a password", "[proxy]\ntarget = http://u:" SECRET "@a.example\n", "2 ",
     "Authorization"},
    {"target with a password and without a scheme", "[proxy]\ntarget = u:" SECRET "@a.example\n",
     "2 ", TARGET_HINT},
    {"host with a password", "[proxy]\ntarget = http://a.example\nhost = u:" SECRET "@a.example\n",
     "3 ", HOST_HINT},
    {"egress to a Unix socket",
     "[proxy]\ntarget = unix:/run/a.sock\negress = http://a.example:3128\n", "3 ",
     "unix:/run/a.sock"},
    {"before the first section", "target = http://a.example\n[proxy]\n", "1 ", "[proxy]"},
    {"faults in several places", "[proxy]\ntarget = x\nlisten = y\n[log]\nlevel = z\n", "2 3 5 ",
     "listen = y"},
    {"byte order mark and a wrong section", BOM "[porxy]\na = b\n[proxy]\ntarget = http://a\n",
     "1 ", "[proxy]"},
    {"byte order mark and a wrong setting", BOM "[proxy]\ntarget = http://a\nb = c\n", "3 ",
     "listen, target"},
    {"CRLF", "[proxy]\r\ntarget = http://a\r\nlisten = 80\r\n", "3 ", "listen = 80: give"},
    {"no final newline", "[proxy]\ntarget = http://a\nlisten = 80", "3 ", "listen = 80: give"},
    {"a secret on a line of its own", "[proxy]\ntarget = http://a\n" SECRET "\n", "3 ",
     "name = value"},
};

static void check_whole_file(const void *at)
{
    const struct fault_row *row = at;

    check_file(row->settings, row);
}

static void test_nul_in_the_file(void)
{
    static const char content[] = "[proxy]\ntarget = http://a.example\nlisten = 127.0.0.1:80\0\n";
    const struct slice octets = {content, sizeof content - 1};

    check_refused(&(struct config_source){.file = new_file(octets)}, "3 ", "NUL");
}

static void test_file_that_is_not_there(void)
{
    check_refused(&(struct config_source){.file = "/nonexistent/proxy.ini"}, "file ",
                  "No such file");
}

static void test_too_many_addresses(void)
{
    const char *list = "127.0.0.1:1";

    for (unsigned port = 2; port <= CONFIG_LISTEN_MAX + 1; port++)
        list = text_of("%s, 127.0.0.1:%u", list, port);
    check_file(text_of("[proxy]\ntarget = http://a.example\nlisten = %s\n", list),
               &(struct fault_row){.places = "3 ", .hint = "at most 64"});
}

/* ---- the command line ---- */

static const struct option_row {
    const char *name, *listen, *target, *header;
    const char *places, *hint;
} option_rows[] = {
    {"bad address", "80", NULL, NULL, "--listen ", LISTEN_HINT},
    {"address for everybody", "0.0.0.0:80", NULL, NULL, "--listen ", "allow = 10.0.0.0/8"},
    {"bad target", NULL, "a.example", NULL, "--target ", TARGET_HINT},
    {"target with a password", NULL, "http://u:" SECRET "@a.example", NULL, "--target ",
     "Authorization"},
    {"header without a colon", NULL, NULL, "Authorization Bearer " SECRET, "--header ",
     "Name: value"},
    {"header with an equals sign", NULL, NULL, "Authorization=Basic " SECRET ":x", "--header ",
     "header"},
    {"header without a name", NULL, NULL, ": " SECRET, "--header ", TOKEN_HINT},
    {"header with a space before the colon", NULL, NULL, "X-A : b", "--header ", TOKEN_HINT},
    {"header of the connection", NULL, NULL, "TE: trailers", "--header ", "connection"},
    {"Host", NULL, NULL, "Host: a.example", "--header ", "host"},
    {"header with LF", NULL, NULL, "X-A: b\nX-C: " SECRET, "--header ", "0x0a"},
    {"header with a dollar", NULL, NULL, "X-A: " SECRET "$", "--header ", "$$"},
    {"header from no variable", NULL, NULL, "X-A: ${env:UNIT_NOT_SET}", "--header ", "not set"},
};

static void check_option(const void *at)
{
    const struct option_row *row = at;
    struct config_source source = {
        .file = new_file(slice_of("[proxy]\nlisten = 127.0.0.1:1\ntarget = http://a.example\n")),
        .listen = row->listen,
        .target = row->target,
        .headers = &row->header,
        .header_count = row->header != NULL,
    };

    check_refused(&source, row->places, row->hint);
    source.file = NULL;
    if (source.target == NULL)
        source.target = "http://a.example";
    check_refused(&source, row->places, row->hint);
}

static void test_header_given_twice(void)
{
    static const char *const headers[] = {"X-A: 1", "X-B: 2", "x_a: 3"};

    check_refused(&(struct config_source){.target = "http://a.example",
                                          .headers = headers,
                                          .header_count = COUNT_OF(headers)},
                  "--header ", "already set at --header");
}

static void test_no_source_at_all(void)
{
    check_refused(&(struct config_source){.listen = "127.0.0.1:80"}, "authbridge ",
                  "--target URL or -c FILE");
}

/* A fault in the file counts even where the command line replaces the setting. */
static void test_replaced_setting_is_checked_too(void)
{
    const char *file = new_file(slice_of("[proxy]\ntarget = x\n"));

    check_refused(&(struct config_source){.file = file, .target = "http://a.example"}, "2 ",
                  TARGET_HINT);
}

static int set_environment(void **state)
{
    (void)state;
    setenv("UNIT_EMPTY", "", 1);
    setenv("UNIT_CR", SECRET "\r" SECRET, 1);
    setenv("UNIT_LF", SECRET "\n" SECRET, 1);
    unsetenv("UNIT_NOT_SET");
    unsetenv("CREDENTIALS_DIRECTORY");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(setting_rows, check_setting),
        TEST(test_all_durations),
        ROWS(field_rows, check_field),
        ROWS(expansion_rows, check_expansion),
        TEST(test_value_that_is_too_long),
        ROWS(file_rows, check_whole_file),
        TEST(test_nul_in_the_file),
        TEST(test_file_that_is_not_there),
        TEST(test_too_many_addresses),
        ROWS(option_rows, check_option),
        TEST(test_header_given_twice),
        TEST(test_no_source_at_all),
        TEST(test_replaced_setting_is_checked_too),
    };

    return cmocka_run_group_tests_name("config faults", tests, set_environment, NULL);
}
