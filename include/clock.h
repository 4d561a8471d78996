/* clock: monotonic time in milliseconds, deadlines, and HTTP dates. */
#ifndef AUTHBRIDGE_CLOCK_H
#define AUTHBRIDGE_CLOCK_H

#include <time.h>

#define CLOCK_NEVER       0x7FFFFFFFFFFFFFFFLL /* a deadline that does not come */
#define CLOCK_DATE_BYTES  30u                  /* IMF-fixdate with its NUL */
#define CLOCK_CLF_BYTES   27u                  /* 23/Nov/2026:15:07:03 +0000 with its NUL */
#define CLOCK_STAMP_BYTES 25u                  /* 2026-11-23T15:07:03.123Z with its NUL */

/* Milliseconds, and microseconds, since some fixed point; they never go back. */
long long clock_now_ms(void);
long long clock_now_us(void);

/* The time from now to the deadline, for ppoll(2): none when it has passed, years for CLOCK_NEVER.
 */
struct timespec clock_timespec(long long deadline, long long now);

/* The present time as Date has it (RFC 9110 5.6.7), and as log lines have it (UTC). */
void clock_format_date(char text[CLOCK_DATE_BYTES]);
void clock_format_stamp(char text[CLOCK_STAMP_BYTES]);

/* The time so long ago, as the common log format has it (UTC). */
void clock_format_clf(long long ago_us, char text[CLOCK_CLF_BYTES]);

#endif
