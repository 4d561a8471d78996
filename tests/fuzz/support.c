/* support: what the fuzz targets share. */
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static const char text[] = "[proxy]\n"
                           "target = http://target.example/base\n"
                           "forwarded = x-forwarded\n"
                           "via = on\n"
                           "[request-headers]\n"
                           "Authorization = Bearer injected\n"
                           "X-Request-Id = ${request_id}\n"
                           "X-Drop =\n"
                           "[response-headers]\n"
                           "X-Bridge = yes\n"
                           "[route:stripped]\n"
                           "path = /strip\n"
                           "target = http://target.example/base\n"
                           "strip_path = on\n"
                           "methods = GET, HEAD, OPTIONS\n"
                           "[route:host]\n"
                           "host = route.example\n"
                           "target = http://target.example/base\n"
                           "[timeouts]\n"
                           "request_head = 50ms\n"
                           "client_idle = 50ms\n"
                           "client_write = 50ms\n"
                           "response = 50ms\n"
                           "tunnel_idle = 50ms\n"
                           "[limits]\n"
                           "request_head = 4K\n"
                           "request_fields = 50\n"
                           "request_target = 1K\n"
                           "request_body = 64K\n"
                           "[log]\n"
                           "level = error\n"
                           "access = off\n";

static struct config *load(void)
{
    char path[] = "/tmp/authbridge-fuzz-XXXXXX";
    int fd = mkstemp(path);

    MUST(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(fd);
    const struct config_source source = {.file = path};
    struct config *config = config_load(&source, stderr);
    unlink(path);
    MUST(config != NULL);
    return config;
}

const struct config *fuzz_config(void)
{
    static struct config *config;

    if (config == NULL)
        config = load();
    return config;
}

char *fuzz_copy(const uint8_t *data, size_t size)
{
    char *copy = malloc(size);

    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}
