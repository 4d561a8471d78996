/* fuzz: what the fuzz targets share. */
#ifndef AUTHBRIDGE_FUZZ_H
#define AUTHBRIDGE_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"

/* A broken promise of the code under test: libFuzzer keeps the input. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* One configuration for all inputs: a target with a base path, an injected Authorization, a
 * removed X-Drop, a response header. */
const struct config *fuzz_config(void);

/* Copies octets into memory of exactly that size, so that a read past the end is seen. */
char *fuzz_copy(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
