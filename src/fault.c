/* fault: why the bridge answers a request itself. */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

void fault_set(struct fault *fault, unsigned status, const char *type, const char *format, ...)
{
    va_list arguments;

    fault->status = status;
    fault->type = type;
    fault->allow = NULL;
    fault->is_logged = false;
    va_start(arguments, format);
    vsnprintf(fault->detail, sizeof fault->detail, format, arguments);
    va_end(arguments);
    for (char *c = fault->detail; *c != '\0'; c++) /* it may quote the target's certificate */
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
}

void fault_refuse(struct fault *fault, unsigned status, const char *detail)
{
    fault_set(fault, status, status < 500 ? "http_request_error" : "proxy_internal_response", "%s",
              detail);
}
