/* words: a command line taken apart. */
#include "words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether a backslash at text, within that quotation (0: none), takes the next octet as it is. */
static bool is_escape(const char *text, char quote)
{
    if (text[0] != '\\' || text[1] == '\0' || quote == '\'')
        return false;
    return quote == '\0' || text[1] == '"' || text[1] == '\\';
}

/* Copies the word at *text into word, and moves *text behind it. false when a quotation does not
 * end. */
static bool take_word(const char **text, char *word)
{
    const char *at = *text;
    char quote = '\0';

    while (*at != '\0' && (quote != '\0' || !is_space(*at))) {
        if (is_escape(at, quote)) {
            *word++ = at[1];
            at += 2;
        } else if (quote != '\0' ? *at == quote : *at == '"' || *at == '\'') {
            quote = (char)(quote != '\0' ? '\0' : *at);
            at++;
        } else {
            *word++ = *at++;
        }
    }
    *word = '\0';
    *text = at;
    return quote == '\0';
}

/* Fills words from the text. NULL, or what is wrong. */
static const char *split(const char *text, char **words)
{
    size_t count = 0;

    for (;;) {
        while (is_space(*text))
            text++;
        if (*text == '\0')
            return count > 0 ? NULL : "there is no command";
        if (count == WORDS_MAX)
            return "it has too many words";
        words[count] = malloc(strlen(text) + 1);
        if (words[count] == NULL)
            return "out of memory";
        if (!take_word(&text, words[count++]))
            return "a quotation does not end";
    }
}

char **words_split(const char *text, const char **problem)
{
    char **words = calloc(WORDS_MAX + 1, sizeof *words);

    *problem = words != NULL ? split(text, words) : "out of memory";
    if (*problem == NULL)
        return words;
    words_free(words);
    return NULL;
}

void words_free(char **words)
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        explicit_bzero(words[i], strlen(words[i]));
        free(words[i]);
    }
    free(words);
}
