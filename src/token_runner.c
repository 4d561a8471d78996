/* token_runner: sees to it that there is a token. */
#include "token_runner.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "unit.h"

#define LIFETIME_MS      300000 /* of a token that nobody says anything of */
#define MARGIN_MS        60000  /* before its end at most, unless set */
#define MARGIN_PART      5      /* of its lifetime at most, unless set */
#define LEEWAY_MS        1000 /* for its way to the target: nothing is sent that near to its end */
#define LEEWAY_PART      20   /* and of its lifetime at most */
#define RETRY_FIRST_MS   1000
#define RETRY_LAST_MS    60000
#define RETRY_AFTER_S    300   /* that an endpoint can ask for at most */
#define LOOK_MS          1000  /* between two looks at a file */
#define REFUSED_PAUSE_MS 5000  /* between two tries that refusals lead to */
#define LOG_MS           60000 /* between two messages about the same failure */

void token_runner_init(struct token_runner *runner, const struct config_token *token,
                       const struct config *config, CURLM *multi)
{
    struct token_state state;
    long long now = token_now_ms();

    *runner = (struct token_runner){.config = token,
                                    .multi = multi,
                                    .whole = config,
                                    .delay_ms = RETRY_FIRST_MS,
                                    .command = {.out = -1, .err = -1}};
    token_read_state(token->token, &state);
    if (!state.valid)
        return;
    runner->until_ms = state.has_end ? now + state.left_ms : TOKEN_FOREVER;
    if (token->type != TOKEN_FILE && state.next_ms > 0)
        runner->due_ms = now + state.next_ms;
}

/* ---- outcomes ---- */

/* Three quarters of it to five quarters, so that many bridges do not try in step. */
static long long with_jitter(long long ms)
{
    uint32_t random = 0;

    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    return ms * 3 / 4 + (long long)(random % (uint32_t)(ms / 2 + 1));
}

/* Children that wanted another token than the one in force get to know that there is this one, or
 * none. */
static void settle(struct token_runner *runner)
{
    runner->is_running = false;
    if (runner->has_wishes)
        token_deal(runner->config->token, runner->wishes);
    runner->has_wishes = false;
}

static void log_failure(struct token_runner *runner, const char *error, long long delay_ms)
{
    long long now = clock_now_ms();
    bool has_token = runner->until_ms > token_now_ms();
    char delay[UNIT_TEXT_BYTES];

    if (strcmp(error, runner->error) == 0 && now - runner->logged_ms < LOG_MS)
        return;
    runner->logged_ms = now;
    unit_format_duration(delay_ms / 1000 * 1000, delay);
    log_warning("token %s: %s; tried again %s%s; %s", runner->config->name, error,
                delay_ms >= 1000 ? "in " : "in a moment", delay_ms >= 1000 ? delay : "",
                has_token ? "the one in use is still valid"
                          : "requests that need it are answered with 502");
}

/* When children can hope for another token: nobody waits for a file that cannot be used. */
static long long next_shown(const struct token_runner *runner)
{
    return runner->config->type == TOKEN_FILE ? TOKEN_FOREVER : runner->due_ms;
}

static void fail(struct token_runner *runner, const char *error, long long retry_after_s)
{
    long long delay = with_jitter(runner->delay_ms);

    if (retry_after_s > RETRY_AFTER_S)
        retry_after_s = RETRY_AFTER_S;
    if (delay < retry_after_s * 1000)
        delay = retry_after_s * 1000;
    if (runner->config->type == TOKEN_FILE)
        delay = LOOK_MS;
    runner->delay_ms = runner->delay_ms * 2 < RETRY_LAST_MS ? runner->delay_ms * 2 : RETRY_LAST_MS;
    runner->due_ms = token_now_ms() + delay;
    /* Before the log says so: who has read it there finds it. */
    token_note_failure(runner->config->token, error, next_shown(runner));
    if (!runner->is_logged)
        log_failure(runner, error, delay);
    snprintf(runner->error, sizeof runner->error, "%s", error);
    settle(runner);
}

/* How long a token is good for, in milliseconds; TOKEN_FOREVER for a file that does not say. What
 * is not above 0 has expired. */
static long long lifetime_of(const struct token_runner *runner, struct slice text,
                             long long expires_in_s)
{
    const struct config_token *config = runner->config;
    long long expires_s = token_jwt_expires(text);
    struct timespec now;

    if (expires_in_s != TOKEN_UNKNOWN)
        return expires_in_s * 1000;
    clock_gettime(CLOCK_REALTIME, &now);
    if (expires_s != TOKEN_UNKNOWN)
        return expires_s - now.tv_sec < TOKEN_LIFETIME_MAX_S
                   ? expires_s * 1000 - ((long long)now.tv_sec * 1000 + now.tv_nsec / 1000000)
                   : TOKEN_LIFETIME_MAX_S * 1000;
    if (config->lifetime != CONFIG_NOT_SET)
        return config->lifetime;
    return config->type == TOKEN_FILE ? TOKEN_FOREVER : LIFETIME_MS;
}

static long long smaller(long long a, long long b)
{
    return a < b ? a : b;
}

/* How long from now on until it is fetched again. */
static long long refresh_after(const struct config_token *config, long long lifetime_ms)
{
    long long margin = config->refresh_margin != CONFIG_NOT_SET
                           ? config->refresh_margin
                           : smaller(MARGIN_MS, lifetime_ms / MARGIN_PART);

    return lifetime_ms - margin > lifetime_ms / 2 ? lifetime_ms - margin : lifetime_ms / 2;
}

static void log_success(const struct token_runner *runner, long long lifetime_ms)
{
    const char *how = runner->config->type == TOKEN_FILE ? "read" : "fetched";
    char lifetime[UNIT_TEXT_BYTES];
    char next[UNIT_TEXT_BYTES];

    if (lifetime_ms == TOKEN_FOREVER) {
        log_info("token %s: %s", runner->config->name, how);
        return;
    }
    unit_format_duration(lifetime_ms, lifetime);
    if (runner->config->type == TOKEN_FILE) {
        log_info("token %s: read, valid for %s", runner->config->name, lifetime);
        return;
    }
    unit_format_duration(refresh_after(runner->config, lifetime_ms), next);
    log_info("token %s: fetched, valid for %s, fetched again in %s", runner->config->name, lifetime,
             next);
}

/* Puts a token in force. */
static void succeed(struct token_runner *runner, struct slice text, long long expires_in_s)
{
    long long now = token_now_ms();
    long long lifetime = lifetime_of(runner, text, expires_in_s);

    if (!token_is_usable(text) || text.len > TOKEN_BYTES_MAX) {
        fail(runner,
             text.len == 0 ? "what came is empty"
             : text.len > TOKEN_BYTES_MAX
                 ? "the token is too long"
                 : "what came is no token: it is not one word of visible ASCII",
             0);
        return;
    }
    if (lifetime <= 0) {
        fail(runner, "the token that came has expired already: check this machine's clock", 0);
        return;
    }
    bool has_end = lifetime != TOKEN_FOREVER;
    runner->until_ms =
        has_end ? now + lifetime - smaller(LEEWAY_MS, lifetime / LEEWAY_PART) : TOKEN_FOREVER;
    runner->due_ms =
        now +
        (runner->config->type == TOKEN_FILE ? LOOK_MS : refresh_after(runner->config, lifetime));
    runner->delay_ms = RETRY_FIRST_MS;
    runner->error[0] = '\0';
    token_publish(runner->config->token, text, runner->until_ms, next_shown(runner));
    log_success(runner, lifetime);
    settle(runner);
}

/* ---- the three means ---- */

static void begin_fetch(struct token_runner *runner)
{
    char error[TOKEN_FETCH_ERROR_BYTES];

    if (!token_fetch_begin(&runner->fetch, runner->multi, runner->whole, runner->config, runner,
                           error))
        fail(runner, error, 0);
}

void token_runner_finish(struct token_runner *runner, CURLcode code)
{
    char error[TOKEN_FETCH_ERROR_BYTES];
    struct token_response response;
    long long retry_after_s;

    if (token_fetch_read(&runner->fetch, code, &response, error, &retry_after_s)) {
        succeed(runner, (struct slice){response.token, response.len}, response.expires_in_s);
        token_response_free(&response);
    } else {
        fail(runner, error, retry_after_s);
    }
    token_fetch_end(&runner->fetch, runner->multi);
}

static void step_command(struct token_runner *runner)
{
    char error[COMMAND_ERROR_BYTES + 16];

    command_step(&runner->command);
    if (runner->command.state == COMMAND_SUCCEEDED) {
        succeed(runner, command_output(&runner->command), TOKEN_UNKNOWN);
    } else if (runner->command.state == COMMAND_FAILED) {
        snprintf(error, sizeof error, "the command: %s", runner->command.error);
        fail(runner, error, 0);
    } else {
        return;
    }
    command_end(&runner->command);
}

static void lose_file(struct token_runner *runner, const char *error)
{
    bool is_new = strcmp(error, runner->error) != 0;

    runner->until_ms = 0;
    token_withdraw(runner->config->token);
    if (is_new) {
        fail(runner, error, 0);
        return;
    }
    runner->due_ms = token_now_ms() + LOOK_MS;
    settle(runner);
}

/* A file that is as it was is no news, unless there was a failure. */
static void look_at_file(struct token_runner *runner)
{
    char error[SECRET_ERROR_BYTES];
    const char *problem = NULL;

    if (runner->secret == NULL) {
        runner->secret = secret_open(runner->config->file, error);
        problem = runner->secret == NULL ? error : NULL;
    } else {
        problem = secret_refresh(runner->secret, clock_now_ms());
        runner->is_logged = problem != NULL;
    }
    if (problem != NULL) {
        lose_file(runner, problem);
        return;
    }
    struct slice text = slice_trim(secret_text(runner->secret));
    token_refresh(runner->config->token);
    if (runner->until_ms > token_now_ms() && runner->error[0] == '\0' &&
        slice_equals(text, token_text(runner->config->token))) {
        runner->due_ms = token_now_ms() + LOOK_MS;
        settle(runner);
    } else if (lifetime_of(runner, text, TOKEN_UNKNOWN) <= 0) {
        lose_file(runner, "the token in the file has expired: check what renews it, and the clock");
    } else {
        succeed(runner, text, TOKEN_UNKNOWN);
    }
}

static void begin(struct token_runner *runner)
{
    runner->is_running = true;
    runner->is_logged = false;
    if (runner->config->type != TOKEN_FILE)
        token_note_begin(runner->config->token);
    switch (runner->config->type) {
    case TOKEN_OAUTH2:
        begin_fetch(runner);
        break;
    case TOKEN_COMMAND:
        command_start(&runner->command, runner->config->argv, TOKEN_BYTES_MAX,
                      runner->config->timeout);
        break;
    default:
        look_at_file(runner);
    }
}

/* ---- what is due ---- */

/* A target has refused the token in force: another one is fetched at once, unless that has just
 * been done, or the next try waits for a failure to pass. */
static void take_wishes(struct token_runner *runner, long long now)
{
    uint32_t wishes;
    bool is_refused = token_is_refused(runner->config->token, &wishes);
    bool is_soon = runner->refused_ms != 0 && now - runner->refused_ms < REFUSED_PAUSE_MS;

    if (runner->is_running || runner->has_wishes) {
        runner->wishes = is_refused ? wishes : runner->wishes;
        runner->has_wishes = runner->has_wishes || is_refused;
        return;
    }
    if (!is_refused || is_soon || runner->error[0] != '\0') {
        token_deal(runner->config->token, wishes);
        return;
    }
    log_info("token %s: refused by a target (401): looking for another one", runner->config->name);
    runner->refused_ms = now;
    runner->has_wishes = true;
    runner->wishes = wishes;
    if (runner->config->type != TOKEN_FILE) /* which is looked at soon anyway, and not before */
        runner->due_ms = now;
}

void token_runner_step(struct token_runner *runner)
{
    long long now = token_now_ms();

    if (runner->until_ms != 0 && runner->until_ms <= now) {
        runner->until_ms = 0;
        token_withdraw(runner->config->token);
    }
    take_wishes(runner, now);
    if (runner->command.state != COMMAND_NONE)
        step_command(runner);
    else if (!runner->is_running && runner->due_ms <= now)
        begin(runner);
}

long long token_runner_due(const struct token_runner *runner)
{
    long long due = runner->is_running ? TOKEN_FOREVER : runner->due_ms;

    if (runner->until_ms != 0 && runner->until_ms < due)
        due = runner->until_ms;
    if (runner->command.state == COMMAND_NONE)
        return due;
    /* Another clock: they run side by side but for when the machine sleeps. */
    return smaller(due, token_now_ms() + command_due(&runner->command) - clock_now_ms());
}

size_t token_runner_fds(const struct token_runner *runner, int fds[TOKEN_RUNNER_FDS])
{
    size_t count = 0;

    if (runner->command.state != COMMAND_RUNNING)
        return 0;
    if (runner->command.out >= 0)
        fds[count++] = runner->command.out;
    if (runner->command.err >= 0)
        fds[count++] = runner->command.err;
    return count;
}

void token_runner_end(struct token_runner *runner)
{
    token_fetch_end(&runner->fetch, runner->multi);
    command_end(&runner->command);
    secret_free(runner->secret);
    runner->secret = NULL;
}
