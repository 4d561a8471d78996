/* Tests of words: command lines taken apart without a shell. */
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "words.h"

static const struct words_row {
    const char *name, *text;
    const char *words; /* each with a bar behind; NULL: refused */
} words_rows[] = {
    {"one", "/bin/true", "/bin/true|"},
    {"several, white space between", " a \t b  c ", "a|b|c|"},
    {"double quotation marks", "a \"b c\" d", "a|b c|d|"},
    {"single quotation marks", "a 'b c' d", "a|b c|d|"},
    {"one kind within the other", "\"a'b\" 'c\"d'", "a'b|c\"d|"},
    {"in the middle of a word", "a\"b c\"d'e f'", "ab cde f|"},
    {"empty words", "a \"\" ''", "a|||"},
    {"escaped mark", "\"a\\\"b\"", "a\"b|"},
    {"escaped backslash", "\"a\\\\\" b", "a\\|b|"},
    {"another escape within marks stays", "\"a\\nb\"", "a\\nb|"},
    {"no escape between single ones", "'a\\' b", "a\\|b|"},
    {"escaped space", "a\\ b", "a b|"},
    {"backslash at the end", "a\\", "a\\|"},
    {"nothing is expanded", "$HOME ~ * `id` ; | > &", "$HOME|~|*|`id`|;|||>|&|"},
    {"open double mark", "a \"b", NULL},
    {"open single mark", "a 'b", NULL},
    {"the mark that would end it is escaped", "\"a\\\"", NULL},
    {"nothing", "", NULL},
    {"white space", " \t ", NULL},
};

static void check_words(const void *at)
{
    const struct words_row *row = at;
    struct buffer *out = new_buffer(1024);
    const char *problem;

    char **words = words_split(row->text, &problem);
    if (!check((words != NULL) == (row->words != NULL), "split: %s",
               words != NULL ? "yes" : problem))
        return;
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        buffer_add_text(out, words[i]);
        buffer_add_text(out, "|");
    }
    if (row->words != NULL)
        check_octets("words", buffer_content(out), slice_of(row->words));
    words_free(words);
}

static void test_many(void)
{
    char text[2 * WORDS_MAX + 3];
    const char *problem;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 == 0 ? 'a' : ' ';
    text[2 * WORDS_MAX] = '\0';
    char **words = words_split(text, &problem);
    check(words != NULL && words[WORDS_MAX] == NULL, "as many as there can be");
    words_free(words);
    text[2 * WORDS_MAX] = 'a';
    text[2 * WORDS_MAX + 1] = '\0';
    check(words_split(text, &problem) == NULL, "one more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {ROWS(words_rows, check_words), TEST(test_many)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
