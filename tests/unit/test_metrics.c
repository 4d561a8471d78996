/* Tests of metrics and status_report: what they make of known figures. */
#include "metrics.h"

#include <string.h>

#include "status_report.h"
#include "support.h"

static const char *text_in(struct buffer *out)
{
    check(!out->overflowed, "it does not fit");
    buffer_add(out, (struct slice){"", 1});
    return out->at;
}

static const char *metrics_of(const struct scoreboard_snapshot *snapshot,
                              const struct metrics_facts *facts)
{
    struct buffer *out = new_buffer(96 * 1024);

    metrics_add(snapshot, facts, out);
    return text_in(out);
}

/* Each counter and gauge has a figure of its own, so that none can stand for another. */
static struct scoreboard_snapshot distinct_snapshot(void)
{
    struct scoreboard_snapshot snapshot = {.draining = true};
    uint64_t next = 1000;

    for (size_t i = 0; i < SCOREBOARD_METHODS; i++)
        for (size_t j = 0; j < SCOREBOARD_CLASSES; j++)
            snapshot.counts.requests[i][j] = next++;
    for (size_t i = 0; i < SCOREBOARD_CAUSES; i++)
        snapshot.counts.causes[i] = next++;
    for (size_t i = 0; i < SCOREBOARD_EVENTS; i++)
        snapshot.events[i] = next++;
    for (size_t i = 0; i < SCOREBOARD_STATES; i++)
        snapshot.children[i] = next++;
    snapshot.counts.bytes_in = next++;
    snapshot.counts.bytes_out = next++;
    return snapshot;
}

static void check_sample(const char *text, const char *name, uint64_t number)
{
    check_has(name, text, text_of("\n%s %llu\n", name, (unsigned long long)number));
}

static void test_metrics_of_the_traffic(void)
{
    const struct scoreboard_snapshot snapshot = distinct_snapshot();
    const struct scoreboard_counts *counts = &snapshot.counts;
    const char *text = metrics_of(&snapshot, &(struct metrics_facts){.config = config_of("")});

    for (size_t i = 0; i < SCOREBOARD_METHODS; i++)
        for (size_t j = 0; j < SCOREBOARD_CLASSES; j++)
            check_sample(text,
                         text_of("authbridge_requests_total{method=\"%s\",status=\"%s\"}",
                                 scoreboard_method_names[i], scoreboard_class_names[j]),
                         counts->requests[i][j]);
    for (size_t i = 0; i < SCOREBOARD_CAUSES; i++)
        check_sample(
            text,
            text_of("authbridge_request_errors_total{type=\"%s\"}", scoreboard_cause_names[i]),
            counts->causes[i]);
    check_sample(text, "authbridge_request_content_bytes_total", counts->bytes_in);
    check_sample(text, "authbridge_response_content_bytes_total", counts->bytes_out);
}

static void test_metrics_of_the_master(void)
{
    const struct scoreboard_snapshot snapshot = distinct_snapshot();
    const struct metrics_facts facts = {
        .config = config_of("[limits]\nconnections = 7\n"),
        .started = 1700000001,
        .reloaded = 1700000002,
        .last_reload_failed = true,
    };
    const char *text = metrics_of(&snapshot, &facts);
    const uint64_t *events = snapshot.events;

    for (size_t i = 0; i < SCOREBOARD_STATES; i++)
        check_sample(text, text_of("authbridge_children{state=\"%s\"}", scoreboard_state_names[i]),
                     snapshot.children[i]);
    check_sample(text, "authbridge_connections", scoreboard_connections(&snapshot));
    check_sample(text, "authbridge_connections_limit", 7);
    check_sample(text, "authbridge_connections_accepted_total", events[SCOREBOARD_ACCEPTED]);
    check_sample(text, "authbridge_connections_refused_total", events[SCOREBOARD_REFUSED]);
    check_sample(text, "authbridge_forks_total", events[SCOREBOARD_FORKED]);
    check_sample(text, "authbridge_child_exits_total{reason=\"served\"}",
                 events[SCOREBOARD_EXIT_SERVED]);
    check_sample(text, "authbridge_child_exits_total{reason=\"failed\"}",
                 events[SCOREBOARD_EXIT_FAILED]);
    check_sample(text, "authbridge_child_exits_total{reason=\"crashed\"}",
                 events[SCOREBOARD_EXIT_CRASHED]);
    check_sample(text, "authbridge_child_exits_total{reason=\"killed\"}",
                 events[SCOREBOARD_EXIT_KILLED]);
    check_sample(text, "authbridge_config_reloads_total{result=\"ok\"}",
                 events[SCOREBOARD_RELOADED]);
    check_sample(text, "authbridge_config_reloads_total{result=\"failed\"}",
                 events[SCOREBOARD_RELOAD_FAILED]);
    check_sample(text, "authbridge_start_time_seconds", 1700000001);
    check_sample(text, "authbridge_config_last_reload_success_timestamp_seconds", 1700000002);
    check_sample(text, "authbridge_config_last_reload_successful", 0);
    check_sample(text, "authbridge_draining", 1);
    check_has("version", text, "\nauthbridge_build_info{version=\"" AUTHBRIDGE_VERSION "\"} 1\n");
}

static void test_histogram(void)
{
    struct scoreboard_snapshot snapshot = {0};
    struct scoreboard_histogram *times = snapshot.counts.times;

    times[SCOREBOARD_TOTAL] = (struct scoreboard_histogram){{[0] = 3, [2] = 4, [16] = 5}, 90000001};
    times[SCOREBOARD_CONNECT] = (struct scoreboard_histogram){{[1] = 1}, 800};
    const char *text = metrics_of(&snapshot, &(struct metrics_facts){.config = config_of("")});

    check_has("total", text,
              "# TYPE authbridge_request_duration_seconds histogram\n"
              "authbridge_request_duration_seconds_bucket{le=\"0.0005\"} 3\n"
              "authbridge_request_duration_seconds_bucket{le=\"0.001\"} 3\n"
              "authbridge_request_duration_seconds_bucket{le=\"0.0025\"} 7\n"
              "authbridge_request_duration_seconds_bucket{le=\"0.005\"} 7\n");
    check_has("total", text,
              "authbridge_request_duration_seconds_bucket{le=\"60\"} 7\n"
              "authbridge_request_duration_seconds_bucket{le=\"+Inf\"} 12\n"
              "authbridge_request_duration_seconds_sum 90.000001\n"
              "authbridge_request_duration_seconds_count 12\n");
    check_has("connect", text, "\nauthbridge_upstream_connect_duration_seconds_sum 0.0008\n");
    check_has("first byte", text, "\nauthbridge_upstream_first_byte_duration_seconds_sum 0\n");
    check_lacks("no certificate", text, "certificate_expiry");
}

static void test_certificates(void)
{
    struct scoreboard_snapshot snapshot = {0};
    struct target_states *targets = target_states_new(1);
    const struct metrics_facts facts = {.config = config_of(""), .targets = targets};
    static const char sample[] =
        "authbridge_upstream_certificate_expiry_timestamp_seconds{target=\"target.example:80\"}";

    assert_non_null(targets);
    check_lacks("none was seen", metrics_of(&snapshot, &facts), "certificate_expiry");
    target_states_note_certificate(targets, 0, 1900000000);
    check_sample(metrics_of(&snapshot, &facts), sample, 1900000000);
    snapshot.listener_certificate = 1900000001;
    check_sample(metrics_of(&snapshot, &facts),
                 "authbridge_client_tls_certificate_expiry_timestamp_seconds", 1900000001);
    target_states_free(targets);
}

/* The largest figures there can be fit into the room that the status page has for them. */
static void test_room(void)
{
    struct scoreboard_snapshot snapshot;
    char addresses[CONFIG_LISTEN_MAX][ADDRESS_TEXT_BYTES];
    char long_text[CONFIG_FAULT_BYTES];

    memset(&snapshot, 0x7F, sizeof snapshot);
    snapshot.draining = true;
    memset(addresses, '\x01', sizeof addresses);
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        addresses[i][ADDRESS_TEXT_BYTES - 1] = '\0';
    memset(long_text, '\x01', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    const struct metrics_facts most = {config_of("[limits]\nconnections = 100000\n"), NULL,
                                       INT32_MAX, INT32_MAX, false};
    metrics_of(&snapshot, &most);

    assert_true(scoreboard_init());
    for (unsigned i = 0; i < 2 * STATUS_PROCESSES_MAX; i++)
        scoreboard_take(scoreboard_reserve(), SCOREBOARD_RELAYING);
    struct buffer *out = new_buffer(96 * 1024);
    const struct status_facts facts = {
        .master = 1,
        .file = long_text,
        .config = config_of(""),
        .listen = addresses,
        .listen_count = CONFIG_LISTEN_MAX,
        .reload_fault = long_text,
    };
    status_report_add(&facts, &snapshot, INT32_MAX, out);
    text_in(out);
    scoreboard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_metrics_of_the_traffic),
        TEST(test_metrics_of_the_master),
        TEST(test_histogram),
        TEST(test_certificates),
        TEST(test_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
