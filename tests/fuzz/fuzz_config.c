/* fuzz_config: proxy.ini: any octets load or are refused with a report, and nothing is lost. */
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/authbridge-fuzz-ini-XXXXXX";

static void remove_file(void)
{
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char *report = NULL;
    size_t report_len = 0;

    if (fd < 0) {
        fd = mkstemp(path);
        MUST(atexit(remove_file) == 0);
    }
    MUST(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    FILE *out = open_memstream(&report, &report_len);
    const struct config_source source = {.file = path};
    struct config *config = config_load(&source, out);
    if (config != NULL)
        config_describe(config, out);
    fclose(out);
    MUST(report_len > 0);
    config_free(config);
    free(report);
    return 0;
}
