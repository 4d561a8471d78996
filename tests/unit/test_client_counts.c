/* Tests of client_counts: who counts as one client, and the table against a plain array. */
#include "client_counts.h"

#include <stdlib.h>

#include "support.h"

static struct client_key key_of(const char *text)
{
    struct address address;

    assert_true(address_parse(text, &address));
    return client_key_of(&address);
}

static const struct key_row {
    const char *name, *a, *b;
    bool same;
} key_rows[] = {
    {"ports of one address", "192.0.2.1:1", "192.0.2.1:2", true},
    {"two IPv4 addresses", "192.0.2.1:1", "192.0.2.2:1", false},
    {"one IPv6 network", "[2001:db8::1]:1", "[2001:db8::ffff:2]:1", true},
    {"two IPv6 networks", "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
    {"IPv4 and an IPv6 network with the same bits", "192.0.2.1:1", "[0:ffff:c000:201::1]:1", false},
    {"loopback of both kinds", "127.0.0.1:1", "[::1]:1", false},
};

static void check_key(const void *row_at)
{
    const struct key_row *row = row_at;
    struct client_counts counts = {0};

    assert_true(client_counts_reserve(&counts, 2));
    client_counts_add(&counts, key_of(row->a));
    check_number("the first", client_counts_of(&counts, key_of(row->a)), 1);
    check_number("the second", client_counts_of(&counts, key_of(row->b)), row->same ? 1 : 0);
    client_counts_free(&counts);
}

static void counts_nobody(void)
{
    struct client_counts counts = {0};
    struct client_key nobody = key_of("unix:/run/a");

    check_number("of an empty table", client_counts_of(&counts, key_of("127.0.0.1:1")), 0);
    client_counts_add(&counts, nobody);
    client_counts_remove(&counts, nobody);
    client_counts_remove(&counts, key_of("127.0.0.1:1"));
    check_number("of a Unix socket", client_counts_of(&counts, nobody), 0);
    check_number("used", counts.used, 0);
    client_counts_free(&counts);
}

#define STEPS 20000

static const struct model_row {
    const char *name;
    uint64_t stride;
    size_t clients;
    int adds; /* of ten steps, so many add */
} model_rows[] = {
    {"one client", 1, 1, 5},
    {"few clients", 1, 30, 5},
    {"as many as fit, one beside the other", 1, 32, 6},
    {"many clients", 1u << 16, 2000, 6},
    {"mostly removals", (uint64_t)1 << 40, 300, 4},
};

/* The same steps on a table and on an array. */
static void check_model(const void *row_at)
{
    const struct model_row *row = row_at;
    struct client_counts counts = {0};
    size_t *model = calloc(row->clients, sizeof *model);
    size_t present = 0;

    assert_non_null(model);
    srand(7);
    for (int i = 0; i < STEPS; i++) {
        size_t client = (size_t)rand() % row->clients;
        struct client_key key = {client * row->stride, 4};
        assert_true(client_counts_reserve(&counts, present + 1));
        if (rand() % 10 < row->adds) {
            client_counts_add(&counts, key);
            present += model[client]++ == 0;
        } else {
            client_counts_remove(&counts, key);
            present -= model[client] == 1;
            model[client] -= model[client] > 0;
        }
        check_number("used", counts.used, present);
    }
    for (size_t client = 0; client < row->clients; client++)
        check_number("count",
                     client_counts_of(&counts, (struct client_key){client * row->stride, 4}),
                     model[client]);
    client_counts_free(&counts);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(key_rows, check_key),
        TEST(counts_nobody),
        ROWS(model_rows, check_model),
    };

    return cmocka_run_group_tests_name("client_counts", tests, NULL, NULL);
}
