/* reflect: looks for several texts at once. */
#include "reflect.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 65536u

/* A beginning of one or more of the texts; the root, number 0, is the empty one. The texts hardly
 * branch: children are a list. */
struct node {
    uint32_t child;      /* the first of them, 0: none */
    uint32_t sibling;    /* the next child of the same parent */
    uint32_t fail;       /* its longest end that is such a beginning too */
    uint32_t depth;      /* octets */
    uint32_t found : 24; /* the longest text that is an end of it, 0: none */
    uint32_t octet : 8;  /* its last one */
};

struct reflect {
    size_t longest;
    uint32_t count;
    uint32_t first[UCHAR_MAX + 1];  /* the root's children */
    unsigned char pairs[PAIRS / 8]; /* which two octets a text can begin with */
    struct node nodes[];
};

/* ---- making it ---- */

static uint32_t find_child(const struct reflect *reflect, uint32_t parent, unsigned char octet)
{
    if (parent == 0)
        return reflect->first[octet];
    uint32_t child = reflect->nodes[parent].child;
    while (child != 0 && reflect->nodes[child].octet != octet)
        child = reflect->nodes[child].sibling;
    return child;
}

static uint32_t add_child(struct reflect *reflect, uint32_t parent, unsigned char octet)
{
    uint32_t child = reflect->count++;

    reflect->nodes[child] = (struct node){
        .sibling = reflect->nodes[parent].child,
        .depth = reflect->nodes[parent].depth + 1,
        .octet = octet,
    };
    reflect->nodes[parent].child = child;
    if (parent == 0)
        reflect->first[octet] = child;
    return child;
}

static unsigned pair_of(const char *at)
{
    return (unsigned)(unsigned char)at[0] << CHAR_BIT | (unsigned char)at[1];
}

static void add_text(struct reflect *reflect, struct slice text)
{
    uint32_t node = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char octet = (unsigned char)text.at[i];
        uint32_t child = find_child(reflect, node, octet);
        node = child != 0 ? child : add_child(reflect, node, octet);
    }
    reflect->nodes[node].found = (uint32_t)text.len & 0xFFFFFFu;
    unsigned pair = pair_of(text.at);
    reflect->pairs[pair / 8] |= (unsigned char)(1u << pair % 8);
    if (text.len > reflect->longest)
        reflect->longest = text.len;
}

/* Finds a child's fail: among the children of the parent's fails. */
static void link_child(struct reflect *reflect, uint32_t parent, uint32_t child)
{
    struct node *node = &reflect->nodes[child];
    uint32_t fail = parent;
    uint32_t found = 0;

    while (fail != 0 && found == 0) {
        fail = reflect->nodes[fail].fail;
        found = find_child(reflect, fail, (unsigned char)node->octet);
    }
    node->fail = found;
    if (node->found == 0)
        node->found = reflect->nodes[found].found;
}

/* Level by level, so that what a node's fail leads to is known before. */
static bool link_all(struct reflect *reflect)
{
    uint32_t *queue = malloc(reflect->count * sizeof *queue);
    size_t end = 1;

    if (queue == NULL)
        return false;
    queue[0] = 0;
    for (size_t at = 0; at < end; at++) {
        uint32_t child = reflect->nodes[queue[at]].child;
        for (; child != 0; child = reflect->nodes[child].sibling) {
            link_child(reflect, queue[at], child);
            queue[end++] = child;
        }
    }
    free(queue);
    return true;
}

static bool is_usable(struct slice text)
{
    return text.len >= REFLECT_TEXT_BYTES_MIN;
}

/* The most nodes that the texts can need; 0 when that is too many. */
static size_t count_nodes(const struct slice *texts, size_t count)
{
    size_t nodes = 1;

    for (size_t i = 0; i < count; i++) {
        if (!is_usable(texts[i]))
            continue;
        if (texts[i].len > REFLECT_TEXT_BYTES_MAX || texts[i].len > REFLECT_BYTES_MAX - nodes)
            return 0;
        nodes += texts[i].len;
    }
    return nodes;
}

struct reflect *reflect_new(const struct slice *texts, size_t count)
{
    size_t nodes = count_nodes(texts, count);
    struct reflect *reflect =
        nodes > 0 ? malloc(sizeof *reflect + nodes * sizeof reflect->nodes[0]) : NULL;

    if (reflect == NULL)
        return NULL;
    memset(reflect, 0, sizeof *reflect);
    reflect->nodes[0] = (struct node){0};
    reflect->count = 1;
    for (size_t i = 0; i < count; i++)
        if (is_usable(texts[i]))
            add_text(reflect, texts[i]);
    if (link_all(reflect))
        return reflect;
    reflect_free(reflect);
    return NULL;
}

void reflect_free(struct reflect *reflect)
{
    if (reflect == NULL)
        return;
    explicit_bzero(reflect, sizeof *reflect + reflect->count * sizeof reflect->nodes[0]);
    free(reflect);
}

/* ---- looking ---- */

/* Where a text can begin at the earliest, of octets from at on. */
static size_t skip(const struct reflect *reflect, struct slice octets, size_t at)
{
    for (; at + 1 < octets.len; at++) {
        unsigned pair = pair_of(octets.at + at);
        if (((unsigned)reflect->pairs[pair / 8] >> pair % 8 & 1u) != 0)
            break;
    }
    return at;
}

static uint32_t step(const struct reflect *reflect, uint32_t state, unsigned char octet)
{
    uint32_t next = find_child(reflect, state, octet);

    while (next == 0 && state != 0) {
        state = reflect->nodes[state].fail;
        next = find_child(reflect, state, octet);
    }
    return next;
}

bool reflect_find(const struct reflect *reflect, uint32_t *state, struct slice octets, size_t *end,
                  size_t *len)
{
    uint32_t node = *state;

    for (size_t at = 0; at < octets.len; at++) {
        if (node == 0)
            at = skip(reflect, octets, at);
        node = step(reflect, node, (unsigned char)octets.at[at]);
        size_t found = reflect->nodes[node].found;
        while (node != 0 && reflect->nodes[node].child == 0)
            node = reflect->nodes[node].fail; /* it cannot go on: no need to hold it */
        if (found > 0) {
            *state = node;
            *end = at + 1;
            *len = found;
            return true;
        }
    }
    *state = node;
    return false;
}

size_t reflect_pending(const struct reflect *reflect, uint32_t state)
{
    return reflect->nodes[state].depth;
}

size_t reflect_pending_max(const struct reflect *reflect)
{
    return reflect->longest > 0 ? reflect->longest - 1 : 0;
}
