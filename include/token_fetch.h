/* token_fetch: gets a token from a token endpoint by the client credentials grant (RFC 6749 4.4),
 * with libcurl's HTTP client. It is driven by a multi handle of the caller's. */
#ifndef AUTHBRIDGE_TOKEN_FETCH_H
#define AUTHBRIDGE_TOKEN_FETCH_H

#include <curl/curl.h>

#include "buffer.h"
#include "config.h"
#include "token_response.h"

#define TOKEN_FETCH_ERROR_BYTES 256u

struct token_fetch {
    const struct config_token *token;
    CURL *handle; /* NULL: nothing is under way */
    struct curl_slist *fields;
    struct buffer body;    /* of the request */
    struct buffer content; /* of the answer */
    char error[CURL_ERROR_SIZE];
};

/* Begins: adds a transfer to the multi handle, whose CURLINFO_PRIVATE is owner. false, with nothing
 * under way, when memory is short or a secret cannot be used: error says why. */
bool token_fetch_begin(struct token_fetch *fetch, CURLM *multi, const struct config *config,
                       const struct config_token *token, void *owner,
                       char error[TOKEN_FETCH_ERROR_BYTES]);

/* Reads what came, once the multi handle has said how the transfer ended. false, with nothing to
 * free: error says why, without anything that the endpoint may have said of secrets, and
 * *retry_after_s how long it wants to be left alone, 0 when it does not say. */
bool token_fetch_read(struct token_fetch *fetch, CURLcode code, struct token_response *response,
                      char error[TOKEN_FETCH_ERROR_BYTES], long long *retry_after_s);

/* Ends it, finished or not, and wipes what it held. */
void token_fetch_end(struct token_fetch *fetch, CURLM *multi);

#endif
