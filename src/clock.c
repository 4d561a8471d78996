/* clock: monotonic time in milliseconds, deadlines, and HTTP dates. */
#include "clock.h"

#include <stdio.h>

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

#define LONGEST_MS 1000000000000LL /* what a wait without a deadline is given */

long long clock_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

long long clock_now_ms(void)
{
    return clock_now_us() / 1000;
}

struct timespec clock_timespec(long long deadline, long long now)
{
    long long left = deadline > now ? deadline - now : 0;

    if (left > LONGEST_MS)
        left = LONGEST_MS;
    return (struct timespec){.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
}

void clock_format_date(char text[CLOCK_DATE_BYTES])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    snprintf(text, CLOCK_DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days[utc.tm_wday],
             (unsigned)utc.tm_mday % 100, months[utc.tm_mon],
             (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)utc.tm_hour % 100,
             (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100);
}

void clock_format_stamp(char text[CLOCK_STAMP_BYTES])
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    snprintf(text, CLOCK_STAMP_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)(utc.tm_mon + 1) % 100,
             (unsigned)utc.tm_mday % 100, (unsigned)utc.tm_hour % 100, (unsigned)utc.tm_min % 100,
             (unsigned)utc.tm_sec % 100, (unsigned)(now.tv_nsec / 1000000) % 1000);
}

void clock_format_clf(long long ago_us, char text[CLOCK_CLF_BYTES])
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    time_t then = (time_t)(now.tv_sec + (now.tv_nsec / 1000 - ago_us - 999999) / 1000000);
    gmtime_r(&then, &utc);
    snprintf(text, CLOCK_CLF_BYTES, "%02u/%.3s/%04u:%02u:%02u:%02u +0000",
             (unsigned)utc.tm_mday % 100, months[utc.tm_mon],
             (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)utc.tm_hour % 100,
             (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100);
}
