/* ini_file: reads an INI file with inih, without the ways in which inih loses text silently:
 * long lines, long section names, NUL bytes, inline comments, continuation lines. */
#ifndef AUTHBRIDGE_INI_FILE_H
#define AUTHBRIDGE_INI_FILE_H

#include <stdbool.h>
#include <stdio.h>

#define INI_FILE_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* Called for each section, with name and value NULL, and for each setting in turn; section is ""
 * before the first [section]. */
typedef void ini_file_handler(void *context, const char *section, const char *name,
                              const char *value, unsigned line);

/* Reads the file and calls handler for each setting. Faults of form go to report as
 * "file:line: ...", one line each; false when there was one. */
bool ini_file_read(const char *path, ini_file_handler *handler, void *context, FILE *report);

#endif
