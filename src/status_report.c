/* status_report: the state of the bridge as JSON. */
#include "status_report.h"

#include "json.h"

#define TENTH_OF_DAY_S 8640

static void add_text(struct json *json, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        json_add_null(json, name);
    else
        json_add_text(json, name, slice_of(text));
}

static void add_seconds(struct json *json, const char *name, long long us)
{
    if (us < 0)
        json_add_null(json, name);
    else
        json_add_decimal(json, name, us, 6);
}

static void add_numbers(struct json *json, const char *group, const char *const *names,
                        const uint64_t *numbers, size_t count)
{
    json_begin_object(json, group);
    for (size_t i = 0; i < count; i++)
        json_add_number(json, names[i], numbers[i]);
    json_end_object(json);
}

/* ---- what it is ---- */

static void add_listeners(struct json *json, const struct status_facts *facts)
{
    json_begin_array(json, "listen");
    for (size_t i = 0; i < facts->listen_count; i++)
        json_add_text(json, NULL, slice_of(facts->listen[i]));
    json_end_array(json);
}

static void add_configuration(struct json *json, const struct status_facts *facts,
                              const struct scoreboard_snapshot *snapshot)
{
    char targets[CONFIG_TARGETS_BYTES];

    json_begin_object(json, "configuration");
    add_text(json, "file", facts->file);
    add_listeners(json, facts);
    config_format_targets(facts->config, targets);
    json_add_text(json, "target", slice_of(targets));
    json_add_bool(json, "tls", config_has_tls(facts->config));
    json_add_decimal(json, "loaded", facts->loaded, 0);
    json_add_number(json, "reloads", snapshot->events[SCOREBOARD_RELOADED]);
    json_add_number(json, "reloads_failed", snapshot->events[SCOREBOARD_RELOAD_FAILED]);
    if (facts->reloaded != 0)
        json_add_decimal(json, "last_reload", facts->reloaded, 0);
    else
        json_add_null(json, "last_reload");
    add_text(json, "last_reload_error", facts->reload_fault);
    json_end_object(json);
}

/* The certificate that expires first. */
static int64_t first_to_expire(const struct status_facts *facts)
{
    int64_t first = 0;

    for (size_t i = 0; i < facts->config->target_count; i++) {
        int64_t expires = target_states_certificate(facts->targets, i);
        if (expires != 0 && (first == 0 || expires < first))
            first = expires;
    }
    return first;
}

static void add_certificate(struct json *json, const char *name, long long expires, long long now)
{
    if (expires == 0) {
        json_add_null(json, name);
        return;
    }
    json_begin_object(json, name);
    json_add_decimal(json, "expires", expires, 0);
    json_add_decimal(json, "days_left", (expires - now) / TENTH_OF_DAY_S, 1);
    json_end_object(json);
}

static void add_targets(struct json *json, const struct status_facts *facts, long long now)
{
    json_begin_array(json, "targets");
    for (size_t i = 0; i < facts->config->target_count; i++) {
        const struct target *target = config_route_to(facts->config, i)->target;
        json_begin_object(json, NULL);
        json_add_text(json, "name", slice_of(target->name));
        json_add_bool(json, "tls", target->is_https);
        add_certificate(json, "certificate", target_states_certificate(facts->targets, i), now);
        json_end_object(json);
    }
    json_end_array(json);
}

/* Never the tokens themselves. */
static void add_token(struct json *json, const struct config_token *token)
{
    static const char *const types[] = {"oauth2", "command", "file"};
    struct token_state state;

    token_read_state(token->token, &state);
    json_begin_object(json, NULL);
    add_text(json, "name", token->name);
    add_text(json, "type", types[token->type]);
    json_add_bool(json, "valid", state.valid);
    add_seconds(json, "age", state.age_ms >= 0 ? state.age_ms * 1000 : -1);
    add_seconds(json, "expires_in", state.valid && state.has_end ? state.left_ms * 1000 : -1);
    add_seconds(json, "next_fetch_in", state.next_ms >= 0 ? state.next_ms * 1000 : -1);
    json_add_number(json, "fetches", state.fetches);
    json_add_number(json, "failures", state.failures);
    json_add_number(json, "refusals", state.refusals);
    add_text(json, "last_error", state.error);
    json_end_object(json);
}

static void add_tokens(struct json *json, const struct config_tokens *tokens)
{
    json_begin_array(json, "tokens");
    for (size_t i = 0; i < tokens->count; i++)
        add_token(json, &tokens->items[i]);
    json_end_array(json);
}

/* ---- what it does ---- */

static void add_processes(struct json *json)
{
    struct scoreboard_child child;
    unsigned shown = 0;
    unsigned slots = scoreboard_slots();

    json_begin_array(json, "processes");
    for (unsigned i = 0; i < slots && shown < STATUS_PROCESSES_MAX; i++) {
        if (!scoreboard_read_child(i, &child))
            continue;
        json_begin_object(json, NULL);
        json_add_number(json, "pid", (unsigned long long)child.pid);
        add_text(json, "state", scoreboard_state_names[child.state]);
        json_add_decimal(json, "seconds", child.for_ms, 3);
        json_end_object(json);
        shown++;
    }
    json_end_array(json);
}

static void add_children(struct json *json, const struct status_facts *facts,
                         const struct scoreboard_snapshot *snapshot)
{
    static const char *const reasons[] = {"served", "failed", "crashed", "killed"};

    json_begin_object(json, "connections");
    json_add_number(json, "current", scoreboard_connections(snapshot));
    json_add_decimal(json, "limit", facts->config->limits.connections, 0);
    json_add_number(json, "accepted", snapshot->events[SCOREBOARD_ACCEPTED]);
    json_end_object(json);
    json_add_number(json, "sign_ins_failed", snapshot->counts.sign_ins_failed);
    add_numbers(json, "client_tls_handshakes", scoreboard_handshake_names,
                snapshot->counts.handshakes, SCOREBOARD_HANDSHAKES);
    add_numbers(json, "children", scoreboard_state_names, snapshot->children, SCOREBOARD_STATES);
    json_add_number(json, "forks", snapshot->events[SCOREBOARD_FORKED]);
    add_numbers(json, "exits", reasons, &snapshot->events[SCOREBOARD_EXIT_SERVED],
                sizeof reasons / sizeof reasons[0]);
    add_processes(json);
}

static void add_requests(struct json *json, const struct scoreboard_snapshot *snapshot)
{
    const struct scoreboard_counts *counts = &snapshot->counts;
    uint64_t by_method[SCOREBOARD_METHODS] = {0};
    uint64_t by_status[SCOREBOARD_CLASSES] = {0};

    for (size_t i = 0; i < SCOREBOARD_METHODS; i++) {
        for (size_t j = 0; j < SCOREBOARD_CLASSES; j++) {
            by_method[i] += counts->requests[i][j];
            by_status[j] += counts->requests[i][j];
        }
    }
    json_begin_object(json, "requests");
    json_add_number(json, "total", scoreboard_requests_total(snapshot));
    add_numbers(json, "by_method", scoreboard_method_names, by_method, SCOREBOARD_METHODS);
    add_numbers(json, "by_status", scoreboard_class_names, by_status, SCOREBOARD_CLASSES);
    json_add_number(json, "bytes_in", counts->bytes_in);
    json_add_number(json, "bytes_out", counts->bytes_out);
    json_add_number(json, "secrets_masked", counts->secrets[0]);
    json_add_number(json, "secrets_blocked", counts->secrets[1]);
    json_end_object(json);
    add_numbers(json, "errors", scoreboard_cause_names, counts->causes, SCOREBOARD_CAUSES);
}

static void add_histogram(struct json *json, const char *name,
                          const struct scoreboard_histogram *histogram)
{
    json_begin_object(json, name);
    json_add_number(json, "count", scoreboard_histogram_count(histogram));
    add_seconds(json, "sum", (long long)histogram->sum_us);
    add_seconds(json, "p50", scoreboard_quantile_us(histogram, 500));
    add_seconds(json, "p95", scoreboard_quantile_us(histogram, 950));
    add_seconds(json, "p99", scoreboard_quantile_us(histogram, 990));
    json_begin_array(json, "buckets");
    for (size_t i = 0; i <= SCOREBOARD_BOUNDS; i++)
        json_add_number(json, NULL, histogram->buckets[i]);
    json_end_array(json);
    json_end_object(json);
}

static void add_times(struct json *json, const struct scoreboard_counts *counts)
{
    json_begin_object(json, "seconds");
    json_begin_array(json, "bounds");
    for (size_t i = 0; i < SCOREBOARD_BOUNDS; i++)
        json_add_decimal(json, NULL, scoreboard_bounds_us[i], 6);
    json_end_array(json);
    add_histogram(json, "total", &counts->times[SCOREBOARD_TOTAL]);
    add_histogram(json, "connect", &counts->times[SCOREBOARD_CONNECT]);
    add_histogram(json, "first_byte", &counts->times[SCOREBOARD_FIRST_BYTE]);
    json_end_object(json);
}

void status_report_add(const struct status_facts *facts, const struct scoreboard_snapshot *snapshot,
                       long long now, struct buffer *out)
{
    struct json json = {.out = out};

    json_begin_object(&json, NULL);
    add_text(&json, "version", AUTHBRIDGE_VERSION);
    json_add_number(&json, "pid", (unsigned long long)facts->master);
    json_add_decimal(&json, "started", facts->started, 0);
    json_add_decimal(&json, "uptime", now - facts->started, 0);
    json_add_bool(&json, "draining", snapshot->draining);
    add_configuration(&json, facts, snapshot);
    add_certificate(&json, "certificate", first_to_expire(facts), now);
    add_certificate(&json, "listener_certificate", snapshot->listener_certificate, now);
    add_targets(&json, facts, now);
    add_tokens(&json, &facts->config->tokens);
    json_add_number(&json, "keepers_lost", snapshot->events[SCOREBOARD_KEEPER_DIED]);
    add_children(&json, facts, snapshot);
    add_requests(&json, snapshot);
    add_times(&json, &snapshot->counts);
    json_end_object(&json);
    buffer_add_text(out, "\n");
}
