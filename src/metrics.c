/* metrics: the text format of Prometheus. */
#include "metrics.h"

#define PREFIX "authbridge_"

/* ---- lines ---- */

static void begin_family(struct buffer *out, const char *name, const char *type, const char *help)
{
    const char *const parts[] = {
        "# HELP " PREFIX, name, " ", help, "\n# TYPE " PREFIX, name, " ", type, "\n"};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        buffer_add_text(out, parts[i]);
}

/* Appends name{label="value"and more, up to where the number stands. */
static void begin_sample(struct buffer *out, const char *name, const char *suffix)
{
    buffer_add_text(out, PREFIX);
    buffer_add_text(out, name);
    buffer_add_text(out, suffix);
}

static void add_label(struct buffer *out, const char *before, const char *label, const char *value)
{
    const char *const parts[] = {before, label, "=\"", value, "\""};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        buffer_add_text(out, parts[i]);
}

static void end_sample(struct buffer *out, unsigned long long number)
{
    buffer_add_text(out, " ");
    buffer_add_decimal(out, number);
    buffer_add_text(out, "\n");
}

/* Appends microseconds as seconds, without zeros at the end. */
static void add_seconds(struct buffer *out, uint64_t us)
{
    buffer_add_decimal(out, us / 1000000);
    if (us % 1000000 == 0)
        return;
    buffer_add_text(out, ".");
    for (uint64_t rest = us % 1000000, unit = 100000; rest > 0; unit /= 10) {
        buffer_add_decimal(out, rest / unit);
        rest %= unit;
    }
}

/* ---- families ---- */

static void add_one(struct buffer *out, const char *name, const char *type, const char *help,
                    unsigned long long number)
{
    begin_family(out, name, type, help);
    begin_sample(out, name, "");
    end_sample(out, number);
}

static void add_labelled(struct buffer *out, const char *name, const char *label, const char *value,
                         unsigned long long number)
{
    begin_sample(out, name, "");
    add_label(out, "{", label, value);
    buffer_add_text(out, "}");
    end_sample(out, number);
}

static void add_histogram(struct buffer *out, const char *name, const char *help,
                          const struct scoreboard_histogram *histogram)
{
    uint64_t count = 0;

    begin_family(out, name, "histogram", help);
    for (size_t i = 0; i < SCOREBOARD_BOUNDS; i++) {
        count += histogram->buckets[i];
        begin_sample(out, name, "_bucket{le=\"");
        add_seconds(out, scoreboard_bounds_us[i]);
        buffer_add_text(out, "\"}");
        end_sample(out, count);
    }
    count += histogram->buckets[SCOREBOARD_BOUNDS];
    begin_sample(out, name, "_bucket{le=\"+Inf\"}");
    end_sample(out, count);
    begin_sample(out, name, "_sum ");
    add_seconds(out, histogram->sum_us);
    buffer_add_text(out, "\n");
    begin_sample(out, name, "_count");
    end_sample(out, count);
}

static void add_requests(struct buffer *out, const struct scoreboard_counts *counts)
{
    static const char name[] = "requests_total";

    begin_family(out, name, "counter",
                 "Exchanges that have ended, by method and class of the status that was sent.");
    for (size_t i = 0; i < SCOREBOARD_METHODS; i++) {
        for (size_t j = 0; j < SCOREBOARD_CLASSES; j++) {
            begin_sample(out, name, "");
            add_label(out, "{", "method", scoreboard_method_names[i]);
            add_label(out, ",", "status", scoreboard_class_names[j]);
            buffer_add_text(out, "}");
            end_sample(out, counts->requests[i][j]);
        }
    }
}

static void add_traffic(struct buffer *out, const struct scoreboard_counts *counts)
{
    add_requests(out, counts);
    begin_family(out, "request_errors_total", "counter",
                 "Exchanges that went wrong, by error type (RFC 9209).");
    for (size_t i = 0; i < SCOREBOARD_CAUSES; i++)
        add_labelled(out, "request_errors_total", "type", scoreboard_cause_names[i],
                     counts->causes[i]);
    add_one(out, "request_content_bytes_total", "counter",
            "Content taken from clients, tunnels included.", counts->bytes_in);
    add_one(out, "response_content_bytes_total", "counter",
            "Content for clients, tunnels included.", counts->bytes_out);
    begin_family(out, "responses_with_secret_total", "counter",
                 "Responses in which reflect_guard found a secret of the bridge.");
    add_labelled(out, "responses_with_secret_total", "action", "masked", counts->secrets[0]);
    add_labelled(out, "responses_with_secret_total", "action", "blocked", counts->secrets[1]);
    add_histogram(out, "request_duration_seconds",
                  "From a request's first octet to the end of its exchange.",
                  &counts->times[SCOREBOARD_TOTAL]);
    add_histogram(out, "upstream_connect_duration_seconds",
                  "To connect to the target, TLS included.", &counts->times[SCOREBOARD_CONNECT]);
    add_histogram(out, "upstream_first_byte_duration_seconds",
                  "From turning to the target to the end of its final response head.",
                  &counts->times[SCOREBOARD_FIRST_BYTE]);
}

static void add_handshakes(struct buffer *out, const struct scoreboard_counts *counts)
{
    static const char name[] = "client_tls_handshakes_total";

    begin_family(out, name, "counter", "TLS handshakes with clients, by how they ended.");
    for (size_t i = 0; i < SCOREBOARD_HANDSHAKES; i++)
        add_labelled(out, name, "result", scoreboard_handshake_names[i], counts->handshakes[i]);
}

static void add_processes(struct buffer *out, const struct scoreboard_snapshot *snapshot,
                          const struct metrics_facts *facts)
{
    static const char *const reasons[] = {"served", "failed", "crashed", "killed"};

    add_one(out, "connections", "gauge", "Connections of clients.",
            scoreboard_connections(snapshot));
    add_one(out, "connections_limit", "gauge", "Connections of clients that are served at once.",
            (unsigned long long)facts->config->limits.connections);
    add_one(out, "connections_accepted_total", "counter",
            "Connections of clients, since the start.", snapshot->events[SCOREBOARD_ACCEPTED]);
    add_one(out, "connections_refused_total", "counter",
            "Connections refused because of connections_per_client.",
            snapshot->events[SCOREBOARD_REFUSED]);
    begin_family(out, "children", "gauge", "Child processes, by what they do.");
    for (size_t i = 0; i < SCOREBOARD_STATES; i++)
        add_labelled(out, "children", "state", scoreboard_state_names[i], snapshot->children[i]);
    add_one(out, "forks_total", "counter", "Child processes made.",
            snapshot->events[SCOREBOARD_FORKED]);
    begin_family(out, "child_exits_total", "counter", "Child processes that ended, by reason.");
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        add_labelled(out, "child_exits_total", "reason", reasons[i],
                     snapshot->events[SCOREBOARD_EXIT_SERVED + i]);
}

static void add_configuration(struct buffer *out, const struct scoreboard_snapshot *snapshot,
                              const struct metrics_facts *facts)
{
    begin_family(out, "config_reloads_total", "counter",
                 "Times that the configuration was read again, by result.");
    add_labelled(out, "config_reloads_total", "result", "ok",
                 snapshot->events[SCOREBOARD_RELOADED]);
    add_labelled(out, "config_reloads_total", "result", "failed",
                 snapshot->events[SCOREBOARD_RELOAD_FAILED]);
    add_one(out, "config_last_reload_successful", "gauge",
            "Whether the configuration was in order when it was last read.",
            !facts->last_reload_failed);
    add_one(out, "config_last_reload_success_timestamp_seconds", "gauge",
            "When the configuration in force was read.", (unsigned long long)facts->reloaded);
}

static void add_certificates(struct buffer *out, const struct metrics_facts *facts)
{
    static const char name[] = "upstream_certificate_expiry_timestamp_seconds";
    bool any = false;

    for (size_t i = 0; i < facts->config->target_count; i++) {
        int64_t expires = target_states_certificate(facts->targets, i);
        if (expires <= 0)
            continue;
        if (!any)
            begin_family(out, name, "gauge", "When a target's certificate, as last seen, expires.");
        any = true;
        add_labelled(out, name, "target", config_route_to(facts->config, i)->target->name,
                     (unsigned long long)expires);
    }
}

static void add_token_states(struct buffer *out, const struct config_tokens *tokens)
{
    struct token_state state;

    begin_family(out, "token_valid", "gauge", "Whether there is a token that is valid.");
    for (size_t i = 0; i < tokens->count; i++) {
        token_read_state(tokens->items[i].token, &state);
        add_labelled(out, "token_valid", "token", tokens->items[i].name, state.valid);
    }
    begin_family(out, "token_expires_seconds", "gauge",
                 "Until the token expires; without a sample where there is none, or no end.");
    for (size_t i = 0; i < tokens->count; i++) {
        token_read_state(tokens->items[i].token, &state);
        if (state.valid && state.has_end)
            add_labelled(out, "token_expires_seconds", "token", tokens->items[i].name,
                         (unsigned long long)state.left_ms / 1000);
    }
}

static void add_fetches(struct buffer *out, const char *token, const char *result,
                        unsigned long long number)
{
    begin_sample(out, "token_fetches_total", "");
    add_label(out, "{", "token", token);
    add_label(out, ",", "result", result);
    buffer_add_text(out, "}");
    end_sample(out, number);
}

static void add_tokens(struct buffer *out, const struct scoreboard_snapshot *snapshot,
                       const struct config_tokens *tokens)
{
    struct token_state state;

    add_token_states(out, tokens);
    begin_family(out, "token_fetches_total", "counter", "Tries to get a token, by result.");
    for (size_t i = 0; i < tokens->count; i++) {
        token_read_state(tokens->items[i].token, &state);
        add_fetches(out, tokens->items[i].name, "ok", state.fetches);
        add_fetches(out, tokens->items[i].name, "failed", state.failures);
    }
    begin_family(out, "token_refusals_total", "counter",
                 "Answers of targets that refused a token (401).");
    for (size_t i = 0; i < tokens->count; i++) {
        token_read_state(tokens->items[i].token, &state);
        add_labelled(out, "token_refusals_total", "token", tokens->items[i].name, state.refusals);
    }
    add_one(out, "keepers_lost_total", "counter", "Times that the keeper died, and was replaced.",
            snapshot->events[SCOREBOARD_KEEPER_DIED]);
}

void metrics_add(const struct scoreboard_snapshot *snapshot, const struct metrics_facts *facts,
                 struct buffer *out)
{
    begin_family(out, "build_info", "gauge", "The version.");
    add_labelled(out, "build_info", "version", AUTHBRIDGE_VERSION, 1);
    add_one(out, "start_time_seconds", "gauge", "When the bridge was started.",
            (unsigned long long)facts->started);
    add_one(out, "draining", "gauge", "Whether the bridge is being stopped.", snapshot->draining);
    add_processes(out, snapshot, facts);
    add_handshakes(out, &snapshot->counts);
    add_one(out, "sign_ins_failed_total", "counter",
            "Requests with a name and password that were wrong.", snapshot->counts.sign_ins_failed);
    add_traffic(out, &snapshot->counts);
    add_configuration(out, snapshot, facts);
    add_certificates(out, facts);
    if (snapshot->listener_certificate != 0)
        add_one(out, "client_tls_certificate_expiry_timestamp_seconds", "gauge",
                "When the certificate that clients are shown expires.",
                (unsigned long long)snapshot->listener_certificate);
    if (facts->config->tokens.count > 0)
        add_tokens(out, snapshot, &facts->config->tokens);
}
