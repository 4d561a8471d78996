/* summary: what the bridge does and has done, in one line. */
#include "summary.h"

static void add_count(struct buffer *out, const char *before, unsigned long long count,
                      const char *behind)
{
    buffer_add_text(out, before);
    buffer_add_decimal(out, count);
    buffer_add_text(out, behind);
}

/* From the largest unit that there is one of. */
static void add_span(struct buffer *out, unsigned long long seconds)
{
    static const struct {
        unsigned long long seconds;
        const char *unit;
    } units[] = {{86400, "d "}, {3600, "h "}, {60, "m "}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (seconds >= units[i].seconds)
            add_count(out, "",
                      seconds / units[i].seconds %
                          (i == 0   ? 1000000
                           : i == 1 ? 24
                                    : 60),
                      units[i].unit);
    add_count(out, "", seconds % 60, "s");
}

static unsigned long long count_errors(const struct scoreboard_counts *counts)
{
    unsigned long long errors = 0;

    for (size_t i = 0; i < SCOREBOARD_CAUSES; i++)
        errors += counts->causes[i];
    return errors;
}

void summary_add(const struct summary_facts *facts, const struct scoreboard_snapshot *snapshot,
                 struct buffer *out)
{
    buffer_add_text(out, "up ");
    add_span(out, (unsigned long long)facts->up_ms / 1000);
    add_count(out, ", ", facts->connections, " of ");
    add_count(out, "", (unsigned long long)facts->connections_limit, " connections");
    add_count(out, " (", snapshot->children[SCOREBOARD_IDLE], " idle), ");
    add_count(out, "", facts->accepted, " accepted, ");
    add_count(out, "", scoreboard_requests_total(snapshot), " requests, ");
    add_count(out, "", count_errors(&snapshot->counts), " errors, ");
    add_count(out, "", facts->reloads, " reloads, ");
    add_count(out, "", facts->crashes, " crashed children");
    if (facts->tokens == 0)
        return;
    add_count(out, ", ", facts->tokens_valid, " of ");
    add_count(out, "", facts->tokens, " tokens valid");
}
