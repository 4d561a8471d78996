/* fault: why the bridge answers a request itself: a status, an error type of RFC 9209 2.3, and a
 * line for people. */
#ifndef AUTHBRIDGE_FAULT_H
#define AUTHBRIDGE_FAULT_H

#include <stdbool.h>

#define FAULT_DETAIL_BYTES 400u

struct fault {
    unsigned status;
    const char *type; /* a literal: "connection_refused", ... */
    char detail[FAULT_DETAIL_BYTES];
    const char *allow; /* with 405: the methods that are served; NULL: all that the bridge serves */
    bool is_logged;    /* it stands in the log already, where that is limited in rate */
};

/* Fills in the first three, no allow, and that it is not logged; detail is a printf
 * format, control octets in it become question marks. */
__attribute__((format(printf, 4, 5))) void fault_set(struct fault *fault, unsigned status,
                                                     const char *type, const char *format, ...);

/* The same for a message that is refused as it stands: the type follows from the status, for RFC
 * 9209 has http_request_error for 4xx alone. detail is a literal. */
void fault_refuse(struct fault *fault, unsigned status, const char *detail);

#endif
