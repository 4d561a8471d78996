/* Tests of config: what a good proxy.ini and the command line's overrides mean. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "support.h"

#define SECRET "s3cret"
#define PIN    "sha256//abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO/+="

static const struct config *load_file(const char *content, const struct config_source *options)
{
    struct config_source source = *options;
    const char *report;

    source.file = content != NULL ? new_file(slice_of(content)) : NULL;
    const struct config *config = load_config(&source, &report);
    if (check(config != NULL, "refused: %s", report))
        check_text("report", report, "");
    return config;
}

static const char *describe(const struct config *config)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    config_describe(config, out);
    fclose(out);
    defer(free, text);
    return text;
}

/* ---- every setting, where the struct keeps it ---- */

static const char all_settings[] = "[proxy]\n"
                                   "listen = 127.0.0.1:81, unix:/run/a.sock\n"
                                   "target = https://a.example:8443/base\n"
                                   "host = b.example:81\n"
                                   "egress = http://c.example:3128\n"
                                   "forwarded = rfc7239\n"
                                   "via = on\n"
                                   "[timeouts]\n"
                                   "connect = 1ms\n"
                                   "request_head = 2ms\n"
                                   "client_idle = 3ms\n"
                                   "client_write = 4ms\n"
                                   "response = 5ms\n"
                                   "tunnel_idle = 6ms\n"
                                   "drain = 7ms\n"
                                   "[limits]\n"
                                   "connections = 8\n"
                                   "request_head = 9K\n"
                                   "request_fields = 10\n"
                                   "request_target = 64B\n"
                                   "request_body = 12B\n"
                                   "[tls]\n"
                                   "verify = off\n"
                                   "ca_file = %s\n"
                                   "client_cert = %s\n"
                                   "client_key = %s\n"
                                   "server_name = d.example\n"
                                   "pinned_key = " PIN "\n"
                                   "[access]\n"
                                   "allow = 10.0.0.0/8, ::1\n"
                                   "trusted = 10.0.0.7, fd00::/8\n"
                                   "[log]\n"
                                   "level = debug\n"
                                   "access = off\n"
                                   "format = combined\n"
                                   "log_query = off\n";

static void check_numbers_of_all(const struct config *config)
{
    check_number("connect", config->timeouts.connect, 1);
    check_number("request_head", config->timeouts.request_head, 2);
    check_number("client_idle", config->timeouts.client_idle, 3);
    check_number("client_write", config->timeouts.client_write, 4);
    check_number("response", config->timeouts.response, 5);
    check_number("tunnel_idle", config->timeouts.tunnel_idle, 6);
    check_number("drain", config->timeouts.drain, 7);
    check_number("connections", config->limits.connections, 8);
    check_number("request_head", config->limits.request_head, 9 * 1024);
    check_number("request_fields", config->limits.request_fields, 10);
    check_number("request_target", config->limits.request_target, 64);
    check_number("request_body", config->limits.request_body, 12);
    check_number("verify", config->tls.verify, false);
    check_number("forwarded", config->forwarded, FORWARDED_RFC7239);
    check_number("via", config->via, true);
    check_number("level", config->log_level, LEVEL_DEBUG);
    check_number("access", config->log_access, false);
    check_number("format", config->log_format, FORMAT_COMBINED);
    check_number("log_query", config->log_query, false);
}

static void test_all_settings(void)
{
    const char *ca = new_file(slice_of(""));
    const char *cert = new_file(slice_of(""));
    const char *key = new_file(slice_of(""));
    const struct config *config =
        load_file(text_of(all_settings, ca, cert, key), &(struct config_source){0});
    assert_non_null(config);

    check_numbers_of_all(config);
    check_number("listen", config->listen_count, 2);
    check(address_is_unix(&config->listen[1].address), "the second address is a Unix socket");
    check_text("target", config->target.url, "https://a.example:8443/");
    check_text("base path", config->target.base_path, "/base");
    check_text("host", config->host, "b.example:81");
    check_text("egress", config->egress.url, "http://c.example:3128");
    check_text("ca_file", config->tls.ca_file, ca);
    check_text("client_cert", config->tls.client_cert, cert);
    check_text("client_key", config->tls.client_key, key);
    check_text("server_name", config->tls.server_name, "d.example");
    check_text("pinned_key", config->tls.pinned_key, PIN);
    check_number("allow", config->allow.count, 2);
    check_number("trusted", config->trusted.count, 2);
}

static void check_default_numbers(const struct config *config)
{
    check_number("connect", config->timeouts.connect, 10000);
    check_number("request_head", config->timeouts.request_head, 15000);
    check_number("client_idle", config->timeouts.client_idle, 60000);
    check_number("client_write", config->timeouts.client_write, 60000);
    check_number("response", config->timeouts.response, 60000);
    check_number("tunnel_idle", config->timeouts.tunnel_idle, 3600000);
    check_number("drain", config->timeouts.drain, 30000);
    check_number("connections", config->limits.connections, 512);
    check_number("request_head", config->limits.request_head, 65536);
    check_number("request_fields", config->limits.request_fields, 200);
    check_number("request_target", config->limits.request_target, 16384);
    check_number("request_body", config->limits.request_body, CONFIG_UNLIMITED);
    check_number("verify", config->tls.verify, true);
    check_number("forwarded", config->forwarded, FORWARDED_OFF);
    check_number("via", config->via, false);
    check_number("level", config->log_level, LEVEL_INFO);
    check_number("access", config->log_access, true);
    check_number("format", config->log_format, FORMAT_TEXT);
    check_number("log_query", config->log_query, true);
}

static void test_defaults(void)
{
    const struct config *config = config_of("");
    char text[ADDRESS_TEXT_BYTES];

    check_default_numbers(config);
    check_number("listen", config->listen_count, 1);
    address_format(&config->listen[0].address, text);
    check_text("listen", text, "127.0.0.1:8080");
    check_text("host is the target's authority", config->host, "target.example");
    check_text("egress", config->egress.url, NULL);
    check_text("ca_file", config->tls.ca_file, NULL);
    check_number("request fields", config->request_fields.count, 0);
    check_number("response fields", config->response_fields.count, 0);
    check_number("allow", config->allow.count, 0);
    check_number("trusted", config->trusted.count, 0);
    check(!config->listen[0].proxy_protocol, "a PROXY header is expected");
}

/* ---- values at their bounds and in their forms, as they are described ---- */

static const struct value_row {
    const char *name, *settings; /* behind [proxy] and target */
    const char *described;       /* one line */
} value_rows[] = {
    {"listen on IPv6", "listen = [::1]:8080\n", "listen = [::1]:8080"},
    {"listen on localhost", "listen = localhost:80\n", "listen = 127.0.0.1:80"},
    {"listen on any port", "listen = 127.0.0.1:0\n", "listen = 127.0.0.1:0"},
    {"listen on a Unix socket", "listen = unix:/run/a.sock\n", "listen = unix:/run/a.sock"},
    {"listen on several", "listen = 127.0.0.1:1,127.0.0.1:2 ,\t127.0.0.1:3\n",
     "listen = 127.0.0.1:1, 127.0.0.1:2, 127.0.0.1:3"},
    {"listen elsewhere with an allow list", "listen = 0.0.0.0:80\n[access]\nallow = 10.0.0.0/8\n",
     "listen = 0.0.0.0:80"},
    {"host by name", "host = a.example\n", "host = a.example"},
    {"host with a port", "host = a.example:8443\n", "host = a.example:8443"},
    {"host as IPv6", "host = [2001:db8::1]:80\n", "host = [2001:db8::1]:80"},
    {"host by default", "", "host = target.example"},
    {"egress", "egress = socks5h://127.0.0.1:1080\n", "egress = socks5h://127.0.0.1:1080"},
    {"no egress", "", "egress = none"},
    {"egress with credentials", "egress = http://user:" SECRET "@c.example:1\n",
     "egress = http://***@c.example:1"},
    {"egress from the environment", "egress = http://user:${env:UNIT_SECRET}@c.example:1\n",
     "egress = http://***@c.example:1"},
    {"shortest time", "[timeouts]\nconnect = 1ms\n", "connect = 1ms"},
    {"longest time", "[timeouts]\nconnect = 24h\n", "connect = 24h"},
    {"longest time in milliseconds", "[timeouts]\nconnect = 86400000ms\n", "connect = 24h"},
    {"time in the largest unit", "[timeouts]\ndrain = 120s\n", "drain = 2m"},
    {"fewest connections", "[limits]\nconnections = 1\n", "connections = 1"},
    {"most connections", "[limits]\nconnections = 100000\n", "connections = 100000"},
    {"smallest head", "[limits]\nrequest_head = 1K\nrequest_target = 1K\n", "request_head = 1K"},
    {"smallest head by itself", "[limits]\nrequest_head = 1K\n", "request_head = 1K"},
    {"a small head bounds the target", "[limits]\nrequest_head = 1K\n", "request_target = 1K"},
    {"largest head", "[limits]\nrequest_head = 1M\n", "request_head = 1M"},
    {"fewest fields", "[limits]\nrequest_fields = 1\n", "request_fields = 1"},
    {"most fields", "[limits]\nrequest_fields = 10000\n", "request_fields = 10000"},
    {"smallest target", "[limits]\nrequest_target = 64B\n", "request_target = 64B"},
    {"largest target", "[limits]\nrequest_head = 1M\nrequest_target = 1M\n", "request_target = 1M"},
    {"no content", "[limits]\nrequest_body = 0B\n", "request_body = 0B"},
    {"much content", "[limits]\nrequest_body = 100G\n", "request_body = 100G"},
    {"unlimited content", "[limits]\nrequest_body = unlimited\n", "request_body = unlimited"},
    {"verify", "[tls]\nverify = on\n", "verify = on"},
    {"do not verify", "[tls]\nverify = off\n", "verify = off"},
    {"certificate with its key in one file", "[tls]\nclient_cert = /dev/null\n",
     "client_cert = /dev/null"},
    {"server name", "[tls]\nserver_name = a.example\n", "server_name = a.example"},
    {"no CA file", "", "ca_file = not set"},
    {"pin", "[tls]\npinned_key = " PIN "\n", "pinned_key = " PIN},
    {"pins", "[tls]\npinned_key = " PIN ";" PIN "\n", "pinned_key = " PIN ";" PIN},
    {"pin in a file", "[tls]\npinned_key = /dev/null\n", "pinned_key = /dev/null"},
    {"listen with TLS",
     "listen = https://[::1]:84 , 127.0.0.1:81\n[listen-tls]\ncert = /dev/null\n",
     "listen = https://[::1]:84, 127.0.0.1:81"},
    {"listen with TLS behind a load balancer",
     "listen = https://127.0.0.1:81 proxy_protocol\n[access]\ntrusted = 10.0.0.7\n"
     "[listen-tls]\ncert = /dev/null\n",
     "listen = https://127.0.0.1:81 proxy_protocol"},
    {"listen with TLS on a Unix socket",
     "listen = https://unix:/run/a.sock\n[listen-tls]\ncert = /dev/null\n",
     "listen = https://unix:/run/a.sock"},
    {"certificate without such a listener", "[listen-tls]\ncert = /dev/null\n", "cert = /dev/null"},
    {"clients' certificates", "[listen-tls]\nclient_ca = /dev/null\nclient_auth = request\n",
     "client_auth = request"},
    {"least version", "[listen-tls]\nmin_version = 1.3\n", "min_version = 1.3"},
    {"no allow list", "", "allow = loopback addresses"},
    {"allow", "[access]\nallow = 10.0.0.0/8, 192.168.1.5 , fd00::/8\n",
     "allow = 10.0.0.0/8, 192.168.1.5/32, fd00::/8"},
    {"level error", "[log]\nlevel = error\n", "level = error"},
    {"level warning", "[log]\nlevel = warning\n", "level = warning"},
    {"level info", "[log]\nlevel = info\n", "level = info"},
    {"level debug", "[log]\nlevel = debug\n", "level = debug"},
    {"no access lines", "[log]\naccess = off\n", "access = off"},
    {"indented", "[log]\n    level = error\n\taccess = on\n", "level = error"},
    {"colon", "[log]\nlevel: error\n", "level = error"},
    {"sections in another order and twice", "[log]\nlevel = error\n[tls]\n[log]\naccess = off\n",
     "access = off"},
};

static void check_value(const void *at)
{
    const struct value_row *row = at;
    const char *content = text_of("[proxy]\ntarget = http://target.example\n%s", row->settings);
    const struct config *config = load_file(content, &(struct config_source){0});

    if (config == NULL)
        return;
    check_has("description", describe(config), text_of("\n%s\n", row->described));
    check_lacks("description", describe(config), SECRET);
}

/* ---- forms of the file ---- */

static const struct form_row {
    const char *name, *content;
} form_rows[] = {
    {"plain", "[proxy]\ntarget = http://a.example\n"},
    {"CRLF", "[proxy]\r\ntarget = http://a.example\r\n"},
    {"byte order mark", "\xEF\xBB\xBF[proxy]\ntarget = http://a.example\n"},
    {"no final newline", "[proxy]\ntarget = http://a.example"},
    {"no final LF", "[proxy]\ntarget = http://a.example\r"},
    {"comments", "; a\n# b\n[proxy]\n  ; c\ntarget = http://a.example\n;d"},
    {"indented", "  [proxy]\n  target = http://a.example\n"},
    {"sections without settings", "[proxy]\ntarget = http://a.example\n[timeouts]\n[limits]\n"
                                  "[tls]\n[access]\n[log]\n[request-headers]\n"
                                  "[response-headers]\n"},
};

static void check_form(const void *at)
{
    const struct form_row *row = at;
    const struct config *config = load_file(row->content, &(struct config_source){0});

    if (config != NULL)
        check_text("target", config->target.authority, "a.example");
}

/* ---- fields ---- */

static const struct field_row {
    const char *name, *line; /* of [request-headers] and of [response-headers] */
    const char *field, *value;
} field_rows[] = {
    {"plain", "X-A = b", "X-A", "b"},
    {"name as it is written", "x-a_B = b", "x-a_B", "b"},
    {"all token octets (RFC 9110 5.6.2)", "!$%&'*+-.^_`|~09aZ = b", "!$%&'*+-.^_`|~09aZ", "b"},
    {"colon", "X-A: b", "X-A", "b"},
    {"empty value removes", "X-A =", "X-A", NULL},
    {"empty value behind a colon removes", "X-A:", "X-A", NULL},
    {"spaces inside stay", "X-A = b \t c", "X-A", "b \t c"},
    {"semicolon", "X-A = text/html ; q=0.5", "X-A", "text/html ; q=0.5"},
    {"hash", "X-A = b # c", "X-A", "b # c"},
    {"colon in the value", "X-A = b: c", "X-A", "b: c"},
    {"equals sign in the value", "X-A = b=c==", "X-A", "b=c=="},
    {"double quotes", "X-A = \"b\"", "X-A", "\"b\""},
    {"single quotes", "X-A = 'b'", "X-A", "'b'"},
    {"backslash", "X-A = b\\", "X-A", "b\\"},
    {"comma", "X-A = b, c", "X-A", "b, c"},
    {"obs-text", "X-A = \xE4", "X-A", "\xE4"},
    {"dollar", "X-A = b$$c", "X-A", "b$c"},
    {"environment", "X-A = b ${env:UNIT_SECRET}", "X-A", "b " SECRET},
    {"request id", "X-A = ${request_id}", "X-A", "id"},
    {"client address", "X-A = ${client_ip}", "X-A", "ip"},
    {"indented", "   X-A = b", "X-A", "b"},
    {"indented with a tab", "\tX-A = b", "X-A", "b"},
    {"injected Proxy-Authorization", "Proxy-Authorization = b", "Proxy-Authorization", "b"},
    {"Date", "Date = b", "Date", "b"},
};

static const struct value_context context = {.request_id = OCTETS("id"), .client_ip = OCTETS("ip")};

static void check_only_field(const struct config_fields *fields, const struct field_row *row)
{
    struct buffer *value = new_buffer(1024);

    if (!check_number("fields", fields->count, 1))
        return;
    check_text("name", fields->items[0].name, row->field);
    check_number("removes", fields->items[0].removes, row->value == NULL);
    value_render(&fields->items[0].value, &context, value);
    check_octets("value", buffer_content(value), slice_of(row->value != NULL ? row->value : ""));
}

static void check_field(const void *at)
{
    const struct field_row *row = at;
    const struct config *config = config_of(text_of("[request-headers]\n%s\n", row->line));

    check_only_field(&config->request_fields, row);
    check_number("response fields", config->response_fields.count, 0);
    config = config_of(text_of("[response-headers]\n%s", row->line));
    check_only_field(&config->response_fields, row);
    check_number("request fields", config->request_fields.count, 0);
}

static const char *value_of(const struct config_field *field)
{
    struct buffer *value = new_buffer(value_bytes_max(&field->value) + 1);

    value_render(&field->value, &context, value);
    return text_of("%.*s", (int)buffer_length(value), value->at);
}

static void test_fields_keep_their_order(void)
{
    const struct config *config =
        config_of("[request-headers]\nX-C = 1\nX-A = 2\n[log]\n[request-headers]\nX-B = 3\n");
    const struct config_fields *fields = &config->request_fields;

    assert_int_equal(fields->count, 3);
    check_text("first", fields->items[0].name, "X-C");
    check_text("second", fields->items[1].name, "X-A");
    check_text("third", fields->items[2].name, "X-B");
    check_has("origin", fields->items[1].origin, ":5");
}

static void test_long_value(void)
{
    const char *token = letters(16 * 1024);
    const struct config *config =
        config_of(text_of("[request-headers]\nAuthorization = Bearer %s\nX-A = b\n", token));

    assert_int_equal(config->request_fields.count, 2);
    check_text("value", value_of(&config->request_fields.items[0]), text_of("Bearer %s", token));
}

static void test_value_from_files(void)
{
    const char *file = new_file(slice_of(SECRET "\n"));

    setenv("CREDENTIALS_DIRECTORY", new_directory("api-key", slice_of(SECRET "\r\n")), 1);
    const struct config *config =
        config_of(text_of("[request-headers]\nX-A = ${file:%s}\nX-B = ${cred:api-key}\n", file));
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(config->request_fields.count, 2);
    check_text("file", value_of(&config->request_fields.items[0]), SECRET);
    check_text("credential", value_of(&config->request_fields.items[1]), SECRET);
}

static void test_bytes_of_fields(void)
{
    const struct config *config = config_of("[request-headers]\nX-A = bcd\nX-Gone =\n");

    check(config_fields_bytes_max(&config->request_fields) >= strlen("X-A: bcd\r\n"), "too few");
    check_number("none", config_fields_bytes_max(&config->response_fields), 0);
}

/* ---- egress: what is secret in it comes from elsewhere, and may hold any octet ---- */

static const struct egress_row {
    const char *name, *value;
    const char *url, *shown;
} egress_rows[] = {
    {"no credentials", "http://c.example:3128", "http://c.example:3128", "http://c.example:3128"},
    {"percent-encoded", "http://us%40er:p%2Fass@c.example:1", "http://us%40er:p%2Fass@c.example:1",
     "http://***@c.example:1"},
    {"password from the environment", "http://user:${env:UNIT_ODD}@c.example:1",
     "http://user:%40%3A%2F%3F%25%23%E4@c.example:1", "http://***@c.example:1"},
    {"both from the environment", "http://${env:UNIT_ODD}:${env:UNIT_ODD}@c.example:1",
     "http://%40%3A%2F%3F%25%23%E4:%40%3A%2F%3F%25%23%E4@c.example:1", "http://***@c.example:1"},
    {"all of it from the environment", "${env:UNIT_URL}", "http://us%40er:" SECRET "@c.example:1",
     "http://***@c.example:1"},
    {"dollar", "http://u$$er:a@c.example:1", "http://u$er:a@c.example:1", "http://***@c.example:1"},
};

static void check_egress(const void *at)
{
    const struct egress_row *row = at;
    const struct config *config = config_of(text_of("egress = %s\n", row->value));

    check_text("url", config->egress.url, row->url);
    check_text("shown", config->egress.shown, row->shown);
}

/* ---- the command line ---- */

static const char file_settings[] = "[proxy]\nlisten = 127.0.0.1:1, 127.0.0.1:2\n"
                                    "target = http://a.example/base\n"
                                    "[request-headers]\nX-A = 1\nX-B = 2\n";

static void test_options_without_a_file(void)
{
    static const char *const headers[] = {"X-A: 1", "X-B:2", "X-C:", "X-D:  a:b \t"};
    const struct config_source options = {
        .target = "https://b.example", .headers = headers, .header_count = COUNT_OF(headers)};
    const struct config *config = load_file(NULL, &options);
    assert_non_null(config);
    const struct config_fields *fields = &config->request_fields;

    check_text("host", config->host, "b.example");
    check_number("listen", config->listen_count, 1);
    assert_int_equal(fields->count, 4);
    check_text("space behind the colon", value_of(&fields->items[0]), "1");
    check_text("no space", value_of(&fields->items[1]), "2");
    check(fields->items[2].removes, "an empty value removes");
    check_text("a colon in the value", value_of(&fields->items[3]), "a:b");
    check_text("origin", fields->items[0].origin, "--header");
}

static void test_options_replace_what_the_file_says(void)
{
    static const char *const headers[] = {"x-b: 3", "X-C: 4"};
    const struct config_source options = {.listen = "127.0.0.1:3",
                                          .target = "https://b.example",
                                          .headers = headers,
                                          .header_count = COUNT_OF(headers)};
    const struct config *config = load_file(file_settings, &options);
    assert_non_null(config);
    const struct config_fields *fields = &config->request_fields;
    char text[ADDRESS_TEXT_BYTES];

    check_number("listen", config->listen_count, 1);
    address_format(&config->listen[0].address, text);
    check_text("listen", text, "127.0.0.1:3");
    check_text("target", config->target.url, "https://b.example:443/");
    check_text("base path", config->target.base_path, "");
    check_text("host", config->host, "b.example");
    assert_int_equal(fields->count, 3);
    check_text("kept", value_of(&fields->items[0]), "1");
    check_text("replaced in its place", value_of(&fields->items[1]), "3");
    check_text("origin", fields->items[1].origin, "--header");
    check_text("added", value_of(&fields->items[2]), "4");
}

static void test_places(void)
{
    const struct config_source options = {.target = "https://b.example"};
    const struct config *config =
        load_file("[proxy]\ntarget = http://a.example\nhost = c\n", &options);
    assert_non_null(config);
    char place[CONFIG_PLACE_BYTES];

    config_place_of(config, "proxy", "host", place);
    check_text("in the file", place, text_of("%s:3", config->path));
    config_place_of(config, "proxy", "target", place);
    check_text("replaced by an option", place, "--target");
    config_place_of(config, "proxy", "listen", place);
    check_text("not set", place, "");
}

static void test_option_that_removes_a_field(void)
{
    static const char *const headers[] = {"X-A:"};
    const struct config_source options = {.headers = headers, .header_count = 1};
    const struct config *config = load_file(file_settings, &options);
    assert_non_null(config);

    check_number("fields", config->request_fields.count, 2);
    check(config->request_fields.items[0].removes, "X-A is removed");
    check(!config->request_fields.items[1].removes, "X-B is not");
}

/* ---- the description ---- */

static void test_description_of_the_defaults(void)
{
    check_text(
        "description", describe(config_of("")),
        "[proxy]\nlisten = 127.0.0.1:8080\ntarget = http://target.example\n"
        "host = target.example\nuser = not set\negress = none\nmethods = all\nforwarded = "
        "off\nreflect_guard = off\nvia = off\ndns_ttl = 30s\n"
        "standby = 4\npreconnect = on\nrecycle = 1\n\n"
        "[request-headers]\n; none\n\n[response-headers]\n; none\n\n"
        "[timeouts]\nconnect = 10s\nrequest_head = 15s\nclient_idle = 1m\n"
        "client_write = 1m\nresponse = 1m\ntunnel_idle = 1h\ndrain = 30s\n\n"
        "[limits]\nconnections = 512\nconnections_per_client = unlimited\nrequest_head = "
        "64K\nrequest_fields = 200\n"
        "request_target = 16K\nrequest_body = unlimited\nreplay_body = 64K\n\n"
        "[tls]\nverify = on\nca_file = not set\nclient_cert = not set\n"
        "client_key = not set\nserver_name = not set\npinned_key = not set\n\n"
        "[listen-tls]\ncert = not set\nkey = not set\nclient_ca = not set\n"
        "client_auth = require\nmin_version = 1.2\n\n"
        "[access]\nallow = loopback addresses\ntrusted = none\nhosts = not set\nusers = not set\n"
        "cross_site = refuse\n\n"
        "[cors]\norigins = not set\nmethods = not set\nheaders = not set\n"
        "expose = not set\ncredentials = off\nmax_age = 10m\n\n"
        "[rewrite]\nlocation = off\ncookies = off\norigin = off\n\n"
        "[log]\nlevel = info\naccess = on\nformat = text\nlog_query = on\n\n"
        "[status]\nlisten = not set\n\n");
}

/* Secrets may be written into the file: in [request-headers] only variables are shown. */
static void test_description_shows_no_secret(void)
{
    const char *file = new_file(slice_of(SECRET));
    const struct config *config =
        config_of(text_of("egress = http://" SECRET ":" SECRET "@c.example:1\n[request-headers]\n"
                          "Authorization = Bearer " SECRET "\nX-A = ${env:UNIT_SECRET}\n"
                          "X-B = ${file:%s}\nX-C = " SECRET " ${request_id} " SECRET "\nX-Gone =\n"
                          "[response-headers]\nX-D = shown ${env:UNIT_SECRET}\n",
                          file));
    const char *text = describe(config);

    check_lacks("description", text, SECRET);
    check_has("literal", text, "\nAuthorization = ***");
    check_has("environment", text, "\nX-A = ***");
    check_has("file", text, "\nX-B = ***");
    check_has("variable", text, "\nX-C = ***${request_id}***");
    check_has("removal", text, "\nX-Gone = (removed)");
    check_has("response", text, "\nX-D = shown ***");
    check_has("origin", text, ":6");
}

static const struct target_row {
    const char *name, *target, *described;
} target_rows[] = {
    {"http", "http://a.example", "http://a.example"},
    {"https with a base", "https://a.example:8443/base/", "https://a.example:8443/base"},
    {"default port", "https://a.example:443", "https://a.example"},
    {"IPv6", "http://[::1]:80", "http://[::1]"},
    {"Unix socket", "unix:/run/a.sock", "unix:/run/a.sock"},
};

static void check_target(const void *at)
{
    const struct target_row *row = at;
    const struct config *config = load_file(NULL, &(struct config_source){.target = row->target});

    if (config != NULL)
        check_has("description", describe(config), text_of("\ntarget = %s\n", row->described));
}

/* ---- what follows from it ---- */

static const struct allow_row {
    const char *name, *settings, *client;
    bool allowed;
} allow_rows[] = {
    {"loopback by default", "", "127.0.0.1:1", true},
    {"IPv6 loopback by default", "", "[::1]:1", true},
    {"Unix socket by default", "", "unix:/a", true},
    {"nobody else by default", "", "10.0.0.1:1", false},
    {"nobody else of IPv6 by default", "", "[fd00::1]:1", false},
    {"first of the list", "[access]\nallow = 10.0.0.0/8, fd00::/8\n", "10.1.2.3:1", true},
    {"second of the list", "[access]\nallow = 10.0.0.0/8, fd00::/8\n", "[fd00::1]:1", true},
    {"not in the list", "[access]\nallow = 10.0.0.0/8, fd00::/8\n", "11.0.0.1:1", false},
    {"loopback must be listed too", "[access]\nallow = 10.0.0.0/8\n", "127.0.0.1:1", false},
    {"Unix socket needs no list", "[access]\nallow = 10.0.0.0/8\n", "unix:/a", true},
};

static void check_allow(const void *at)
{
    const struct allow_row *row = at;
    struct address client;

    assert_true(address_parse(row->client, &client));
    check_number("allowed", config_allows(config_of(row->settings), &client), row->allowed);
}

static void test_request_limits(void)
{
    const struct config *config =
        config_of("[limits]\nrequest_head = 9K\nrequest_target = 8K\nrequest_fields = 7\n");
    struct http_limits limits = config_request_limits(config);

    check_number("head", limits.head_bytes, 9216);
    check_number("target", limits.target_bytes, 8192);
    check_number("fields", limits.fields, 7);
}

static int set_environment(void **state)
{
    (void)state;
    setenv("UNIT_SECRET", SECRET, 1);
    setenv("UNIT_ODD", "@:/?%#\xE4", 1);
    setenv("UNIT_URL", "http://us%40er:" SECRET "@c.example:1", 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_settings),
        TEST(test_defaults),
        ROWS(value_rows, check_value),
        ROWS(form_rows, check_form),
        ROWS(field_rows, check_field),
        TEST(test_fields_keep_their_order),
        TEST(test_long_value),
        TEST(test_value_from_files),
        TEST(test_bytes_of_fields),
        ROWS(egress_rows, check_egress),
        TEST(test_options_without_a_file),
        TEST(test_options_replace_what_the_file_says),
        TEST(test_places),
        TEST(test_option_that_removes_a_field),
        TEST(test_description_of_the_defaults),
        TEST(test_description_shows_no_secret),
        ROWS(target_rows, check_target),
        ROWS(allow_rows, check_allow),
        TEST(test_request_limits),
    };

    return cmocka_run_group_tests_name("config", tests, set_environment, NULL);
}
