/* reflect: looks for several texts at once in octets that come in pieces (Aho and Corasick, 1975).
 * What is looked for is made once and never changes; the state of a search is one number. Memory
 * is allocated only where the former is made: 20 bytes for each octet of the texts. */
#ifndef AUTHBRIDGE_REFLECT_H
#define AUTHBRIDGE_REFLECT_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

#define REFLECT_TEXT_BYTES_MIN 2u                         /* shorter texts are left out */
#define REFLECT_TEXT_BYTES_MAX ((size_t)0xFFFFFF)         /* longer ones cannot be looked for */
#define REFLECT_BYTES_MAX      ((size_t)64 * 1024 * 1024) /* of all texts together */

struct reflect;

/* Looks for these from now on; copies nothing but what it needs of them, which is their octets.
 * NULL when memory is short or they are too long. */
struct reflect *reflect_new(const struct slice *texts, size_t count);
void reflect_free(struct reflect *reflect);

/* Goes on with a search, whose *state is 0 at first, up to the next end of a text in octets: *end
 * is how many octets that is, and *len the length of the longest text that ends there, which may
 * have begun in octets before these. false when no text ends in them. */
bool reflect_find(const struct reflect *reflect, uint32_t *state, struct slice octets, size_t *end,
                  size_t *len);

/* How many of the last octets may be the beginning of a text. */
size_t reflect_pending(const struct reflect *reflect, uint32_t state);

/* The most that can be: one octet less than the longest text has. */
size_t reflect_pending_max(const struct reflect *reflect);

#endif
