/* fuzz_token_response: the answer of a token endpoint, whose token may be a JSON Web Token. What is
 * taken for a token can stand in a header, whatever came. */
#include "fuzz.h"

#include <string.h>

#include "token_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *octets = fuzz_copy(data, size);
    struct slice content = {octets, size};
    struct token_response response;
    const char *problem = NULL;

    if (token_response_read(content, &response, &problem)) {
        struct slice token = {response.token, response.len};
        MUST(problem == NULL && token_is_usable(token));
        for (size_t i = 0; i < token.len; i++)
            MUST(token.at[i] > 0x20 && token.at[i] < 0x7F);
        MUST(response.expires_in_s >= TOKEN_UNKNOWN &&
             response.expires_in_s <= TOKEN_LIFETIME_MAX_S);
        MUST(token_jwt_expires(token) >= TOKEN_UNKNOWN);
        token_response_free(&response);
    } else {
        MUST(problem != NULL && response.token == NULL);
    }
    const char *code = token_response_error(content);
    MUST(code == NULL || strlen(code) < 30);
    MUST(token_jwt_expires(content) >= TOKEN_UNKNOWN);
    free(octets);
    return 0;
}
