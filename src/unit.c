/* unit: durations, sizes and counts as people write them. */
#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "slice.h"

struct unit {
    const char *name;
    long long factor;
};

/* From the largest: formatting takes the first that divides. */
static const struct unit duration_units[] = {
    {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit size_units[] = {
    {"G", 1LL << 30}, {"M", 1LL << 20}, {"K", 1LL << 10}, {"B", 1}, {NULL, 0}};
static const struct unit count_units[] = {{"", 1}, {NULL, 0}};

static bool parse(const char *text, const struct unit *units, long long *number)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long long count;

    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        if (strcmp(text + digits, unit->name) != 0)
            continue;
        unsigned long long max = (unsigned long long)(LLONG_MAX / unit->factor);
        if (!slice_to_number((struct slice){text, digits}, max, &count))
            return false;
        *number = (long long)count * unit->factor;
        return true;
    }
    return false;
}

static void format(long long number, const struct unit *unit, char text[UNIT_TEXT_BYTES])
{
    while (unit[1].name != NULL && (number == 0 || number % unit->factor != 0))
        unit++;
    snprintf(text, UNIT_TEXT_BYTES, "%lld%s", number / unit->factor, unit->name);
}

bool unit_parse_duration(const char *text, long long *milliseconds)
{
    return parse(text, duration_units, milliseconds);
}

bool unit_parse_size(const char *text, long long *bytes)
{
    return parse(text, size_units, bytes);
}

bool unit_parse_count(const char *text, long long *count)
{
    return parse(text, count_units, count);
}

void unit_format_duration(long long milliseconds, char text[UNIT_TEXT_BYTES])
{
    format(milliseconds, duration_units, text);
}

void unit_format_size(long long bytes, char text[UNIT_TEXT_BYTES])
{
    format(bytes, size_units, text);
}

void unit_format_count(long long count, char text[UNIT_TEXT_BYTES])
{
    format(count, count_units, text);
}
