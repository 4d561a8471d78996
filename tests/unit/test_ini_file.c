/* Tests of ini_file: which settings are read, on which lines, and what is refused as lost text. */
#include <stdlib.h>
#include <string.h>

#include "ini_file.h"
#include "support.h"

/* What a reading brought: "line [section]" for each section, "line [section] name=value" for each
 * setting, and the report. */
struct reading {
    bool valid;
    const char *path, *sections, *settings, *report;
};

static void note_setting(void *context, const char *section, const char *name, const char *value,
                         unsigned line)
{
    struct reading *reading = context;

    if (name == NULL)
        reading->sections = text_of("%s%u [%s]\n", reading->sections, line, section);
    else
        reading->settings =
            text_of("%s%u [%s] %s=%s\n", reading->settings, line, section, name, value);
}

static struct reading read_path(const char *path)
{
    struct reading reading = {.path = path, .sections = "", .settings = ""};
    char *report = NULL;
    size_t len;
    FILE *faults = open_memstream(&report, &len);

    assert_non_null(faults);
    reading.valid = ini_file_read(path, note_setting, &reading, faults);
    fclose(faults);
    defer(free, report);
    reading.report = report;
    return reading;
}

#define BOM        "\xEF\xBB\xBF"
#define SECTION_49 "sssssssssssssssssssssssssssssssssssssssssssssssss"
#define NAME_60    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static const struct setting_row {
    const char *name;
    const char *content;
    const char *settings;
} setting_rows[] = {
    {"empty", "", ""},
    {"only a newline", "\n", ""},
    {"a section without settings", "[s]\n", ""},
    {"before any section", "a = b\n", "1 [] a=b\n"},
    {"equals sign", "[s]\na = b\n", "2 [s] a=b\n"},
    {"colon", "[s]\na: b\n", "2 [s] a=b\n"},
    {"no spaces", "[s]\na=b\n", "2 [s] a=b\n"},
    {"spaces and tabs", "[s]\n \t a \t = \t b \t \n", "2 [s] a=b\n"},
    {"no final newline", "[s]\na = b", "2 [s] a=b\n"},
    {"CRLF", "[s]\r\na = b\r\n\r\nc = d\r\n", "2 [s] a=b\n4 [s] c=d\n"},
    {"CRLF without the last", "[s]\r\na = b\r", "2 [s] a=b\n"},
    {"byte order mark", BOM "[s]\na = b\n", "2 [s] a=b\n"},
    {"byte order mark before a setting", BOM "a = b\n", "1 [] a=b\n"},
    {"byte order mark before a comment", BOM "; a = b\n", ""},
    {"lines are counted", "\n; c\n\n[s]\n\n# c\na = b\n\n", "7 [s] a=b\n"},
    {"semicolon comment", "[s]\n;a = b\n", ""},
    {"hash comment", "[s]\n#a = b\n", ""},
    {"indented comments", "[s]\n  ; a = b\n\t# a = b\n", ""},
    {"comment with an open bracket", "; [s\n", ""},
    {"semicolon in a value", "[s]\na = text/html ; q=0.5\n", "2 [s] a=text/html ; q=0.5\n"},
    {"hash in a value", "[s]\na = b # c #d\n", "2 [s] a=b # c #d\n"},
    {"semicolon begins a value", "[s]\na = ;b\n", "2 [s] a=;b\n"},
    {"hash begins a value", "[s]\na =#b\n", "2 [s] a=#b\n"},
    {"equals sign in a value", "[s]\na = b=c==\n", "2 [s] a=b=c==\n"},
    {"colon in a value", "[s]\na = http://b:80/\n", "2 [s] a=http://b:80/\n"},
    {"colon before an equals sign", "[s]\na: b=c\n", "2 [s] a=b=c\n"},
    {"double quotes stay", "[s]\na = \"b\"\n", "2 [s] a=\"b\"\n"},
    {"single quotes stay", "[s]\na = 'b'\n", "2 [s] a='b'\n"},
    {"backslash at the end", "[s]\na = b\\\nc = d\n", "2 [s] a=b\\\n3 [s] c=d\n"},
    {"brackets in a value", "[s]\na = [b]\n", "2 [s] a=[b]\n"},
    {"dollars in a value", "[s]\na = ${env:X} %s\n", "2 [s] a=${env:X} %s\n"},
    {"empty value", "[s]\na =\n", "2 [s] a=\n"},
    {"empty value of spaces", "[s]\na =  \t \n", "2 [s] a=\n"},
    {"indented setting is no continuation", "[s]\na = b\n  c = d\n\te: f\n",
     "2 [s] a=b\n3 [s] c=d\n4 [s] e=f\n"},
    {"indented section", "  [s]\na = b\n", "2 [s] a=b\n"},
    {"the same name twice", "[s]\na = b\na = c\n", "2 [s] a=b\n3 [s] a=c\n"},
    {"the same section twice", "[s]\na = b\n[t]\nc = d\n[s]\ne = f\n",
     "2 [s] a=b\n4 [t] c=d\n6 [s] e=f\n"},
    {"spaces in a section's name stay", "[ s ]\na = b\n", "2 [ s ] a=b\n"},
    {"section of 49 bytes", "[" SECTION_49 "]\na = b\n", "2 [" SECTION_49 "] a=b\n"},
    {"name of 60 bytes", "[s]\n" NAME_60 " = b\n", "2 [s] " NAME_60 "=b\n"},
    {"bytes over 0x7F", "[s]\na = \xE4\xC3\xA4\n", "2 [s] a=\xE4\xC3\xA4\n"},
    {"CR within a value", "[s]\na = b\rc\n", "2 [s] a=b\rc\n"},
};

static void check_settings(const void *at)
{
    const struct setting_row *row = at;
    struct reading reading = read_path(new_file(slice_of(row->content)));

    check(reading.valid, "refused: %s", reading.report);
    check_text("settings", reading.settings, row->settings);
    check_text("report", reading.report, "");
}

/* A section is told of even when it has no setting: its name may be wrong. */
static const struct setting_row section_rows[] = {
    {"none", "a = b\n", ""},
    {"one with a setting", "[s]\na = b\n", "1 [s]\n"},
    {"one without", "[s]\n", "1 [s]\n"},
    {"without a newline", "[s]", "1 [s]\n"},
    {"CRLF", "[s]\r\n", "1 [s]\n"},
    {"indented", "\n \t[s]\n", "2 [s]\n"},
    {"behind a byte order mark", BOM "[s]\n", "1 [s]\n"},
    {"each time that it stands there", "[s]\n[t]\n[s]\n", "1 [s]\n2 [t]\n3 [s]\n"},
    {"not in a comment", "; [s]\n#[t]\n", ""},
    {"not in a value", "a = [s]\n", ""},
    {"49 bytes", "[" SECTION_49 "]\n", "1 [" SECTION_49 "]\n"},
    {"empty name", "[]\n", "1 []\n"},
};

static void check_sections(const void *at)
{
    const struct setting_row *row = at;
    struct reading reading = read_path(new_file(slice_of(row->content)));

    check(reading.valid, "refused: %s", reading.report);
    check_text("sections", reading.sections, row->settings);
}

#define NEITHER "neither a [section], a setting (name = value) nor a comment"

static const struct fault_row {
    const char *name;
    struct slice content;
    const char *lines; /* that the report names, each with a space behind */
    const char *hint;
} fault_rows[] = {
    {"neither", OCTETS("[s]\na = b\nc\nd = e\n"), "3 ", NEITHER},
    {"the first line that is neither", OCTETS("[s]\na\nb = c\nd\n"), "2 ", NEITHER},
    {"word at the end", OCTETS("[s]\na = b\nc"), "3 ", NEITHER},
    {"section that is not closed", OCTETS("[s]\na = b\n[t\nc = d\n"), "3 ", NEITHER},
    {"section that is not closed, at the end", OCTETS("[s"), "1 ", NEITHER},
    {"text behind a section", OCTETS("[s] a = b\n"), "1 ", "["},
    {"word behind a section", OCTETS("[s]a\n"), "1 ", "["},
    {"bracket behind a section", OCTETS("[s]]\n"), "1 ", "["},
    {"section of 50 bytes", OCTETS("\n[" SECTION_49 "s]\na = b\n"), "2 ", "49 bytes"},
    {"section of 50 bytes, indented", OCTETS("\n \t[" SECTION_49 "s]\na = b\n"), "2 ", "49 bytes"},
    {"section of 50 bytes behind a byte order mark", OCTETS(BOM "[" SECTION_49 "s]\na = b\n"), "1 ",
     "49 bytes"},
    {"NUL in a value", OCTETS("[s]\na = b\0c\n"), "2 ", "NUL"},
    {"NUL in a name", OCTETS("[s]\na\0 = b\n"), "2 ", "NUL"},
    {"NUL in a comment", OCTETS("; a\0b\n"), "1 ", "NUL"},
    {"NUL at the end", OCTETS("[s]\na = b\n\0"), "3 ", "NUL"},
    {"each line with a NUL", OCTETS("\0\n[s]\n\0\n"), "1 3 ", "NUL"},
    {"UTF-16", OCTETS("\xFF\xFE[\0s\0]\0\n\0"), "1 2 ", "NUL"},
};

static void check_fault(const void *at)
{
    const struct fault_row *row = at;
    struct reading reading = read_path(new_file(row->content));

    check(!reading.valid, "accepted: %s", reading.settings);
    check_text("lines", places_of(reading.report, reading.path), row->lines);
    check_has("report", reading.report, row->hint);
}

static const struct length_row {
    const char *name;
    size_t value_bytes;
} length_rows[] = {
    {"inih's line", 190}, {"inih's line and some", 210}, {"16 KB", 16000}, {"64 KiB", 65536},
    {"1 MiB", 1048576},
};

/* The longest line may stand anywhere; others are not cut either. */
static void check_length(const void *at)
{
    const struct length_row *row = at;
    const char *value = letters(row->value_bytes);
    const char *content = text_of("[s]\na = %s\nb = c\nd = %s", value, value);
    struct reading reading = read_path(new_file(slice_of(content)));

    check(reading.valid, "refused: %s", reading.report);
    check_text("settings", reading.settings,
               text_of("2 [s] a=%s\n3 [s] b=c\n4 [s] d=%s\n", value, value));
}

static const char *comment_of(size_t bytes)
{
    char *content = malloc(bytes + 1);

    defer(free, content);
    memset(content, ';', bytes);
    content[bytes] = '\0';
    return content;
}

static void test_size_of_the_file(void)
{
    struct reading reading = read_path(new_file(slice_of(comment_of(INI_FILE_BYTES_MAX))));
    check(reading.valid, "at the bound: %s", reading.report);

    reading = read_path(new_file(slice_of(comment_of(INI_FILE_BYTES_MAX + 1))));
    check(!reading.valid, "over the bound");
    check_has("report", reading.report, reading.path);
    check_has("report", reading.report, "too large");
}

static void test_file_that_cannot_be_read(void)
{
    struct reading reading = read_path("/nonexistent/proxy.ini");
    check(!reading.valid, "a file that is not there");
    check_text("report", reading.report,
               "/nonexistent/proxy.ini: cannot read: No such file or directory\n");

    reading = read_path("/");
    check(!reading.valid, "a directory");
    check_text("report", reading.report, "/: cannot read: Is a directory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(setting_rows, check_settings), ROWS(section_rows, check_sections),
        ROWS(fault_rows, check_fault),      ROWS(length_rows, check_length),
        TEST(test_size_of_the_file),        TEST(test_file_that_cannot_be_read),
    };

    return cmocka_run_group_tests_name("ini_file", tests, NULL, NULL);
}
