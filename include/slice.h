/* slice: octets that somebody else owns, with their length. Never a C string. */
#ifndef AUTHBRIDGE_SLICE_H
#define AUTHBRIDGE_SLICE_H

#include <stdbool.h>
#include <stddef.h>

struct slice {
    const char *at;
    size_t len;
};

/* The octets of a C string, without its end; valid as long as the string is. */
struct slice slice_of(const char *text);

/* Whether both hold the same octets. */
bool slice_equals(struct slice a, struct slice b);

/* The same, with ASCII letters folded; other octets, also over 0x7F, count as they are. */
bool slice_equals_nocase(struct slice a, struct slice b);

/* Whether it begins with that text, letters folded in the same way. */
bool slice_begins_nocase(struct slice s, const char *start);

/* Without spaces and tabs at both ends (OWS, RFC 9110 5.6.3). */
struct slice slice_trim(struct slice s);

/* Reads decimal digits only, all of the slice and at least one. false on anything else or on a
 * value over max; *number is then untouched. */
bool slice_to_number(struct slice s, unsigned long long max, unsigned long long *number);

#endif
