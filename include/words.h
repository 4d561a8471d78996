/* words: a command line taken apart into the words of an argument vector, without a shell: nothing
 * in it is expanded. Pure. */
#ifndef AUTHBRIDGE_WORDS_H
#define AUTHBRIDGE_WORDS_H

#define WORDS_MAX 64u

/* The words that white space separates. Between '...' all octets stand for themselves; between
 * "..." all but \" and \\, which stand for a quotation mark and a backslash; outside both a
 * backslash takes the octet behind it as it is. A NULL-ended vector to be freed by words_free; NULL
 * with *problem, a literal, when a quotation does not end, there is no word, or there are too many,
 * or memory is short. */
char **words_split(const char *text, const char **problem);
void words_free(char **words);

#endif
