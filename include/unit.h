/* unit: durations, sizes and counts as people write them. */
#ifndef AUTHBRIDGE_UNIT_H
#define AUTHBRIDGE_UNIT_H

#include <stdbool.h>

#define UNIT_TEXT_BYTES 32u

/* Read "500ms", "10s", "2m", "1h" as milliseconds; "100B", "64K", "10M", "1G" as bytes; "512" as
 * a count. false on anything else, a missing unit included, and on a number that is too large. */
bool unit_parse_duration(const char *text, long long *milliseconds);
bool unit_parse_size(const char *text, long long *bytes);
bool unit_parse_count(const char *text, long long *count);

/* Write the shortest form that reads back the same. */
void unit_format_duration(long long milliseconds, char text[UNIT_TEXT_BYTES]);
void unit_format_size(long long bytes, char text[UNIT_TEXT_BYTES]);
void unit_format_count(long long count, char text[UNIT_TEXT_BYTES]);

#endif
