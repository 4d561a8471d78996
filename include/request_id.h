/* request_id: identifiers of requests: 128 random bits each. */
#ifndef AUTHBRIDGE_REQUEST_ID_H
#define AUTHBRIDGE_REQUEST_ID_H

#include "value.h"

/* Writes 32 hexadecimal digits and a NUL. */
void request_id_make(char text[REQUEST_ID_BYTES + 1]);

#endif
