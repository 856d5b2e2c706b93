#include "engine/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "engine/engine_parts.h"
#include "util/log.h"

/* How many lines of a log fit into a message. */
#define LAST_LINES 6

struct door *engine_door(const struct engine *g)
{
    return g->door;
}

const char *engine_id(const struct engine *g)
{
    return g->id;
}

const struct digest *engine_release(const struct engine *g)
{
    return &g->release;
}

const struct prompts *engine_prompts(const struct engine *g)
{
    return &g->prompts;
}

const char *engine_limits(const struct engine *g)
{
    return g->box->limits;
}

bool engine_ready(const struct engine *g)
{
    return g->ready;
}

int64_t engine_cold_start_ms(const struct engine *g)
{
    return g->cold_start_ms;
}

int64_t engine_verify_ms(const struct engine *g)
{
    return g->verify_ms;
}

int engine_watch_fd(const struct engine *g)
{
    return g->box->socket;
}

struct silence *engine_silence(struct engine *g)
{
    return g->silence;
}

void engine_how_ended(struct engine *g, struct buf *out)
{
    int status = g->box->status;
    buf_printf(out, "the engine of %s:%s ", g->name, g->version);
    if (!g->box->ended)
        buf_add_str(out, "is gone with its keeper");
    else if (WIFSIGNALED(status))
        buf_printf(out, "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        buf_printf(out, "ended with status %d", WEXITSTATUS(status));
    auto_buf tail = BUF(2 * ENGINE_LOG_TAIL);
    engine_log_tail(g->log, LAST_LINES, true, &tail);
    if (tail.len)
        buf_printf(out, "; it printed last: %s", buf_str(&tail));
    else
        buf_add_str(out, "; it printed nothing");
}

int engine_ended(struct engine *g, struct buf *how, struct err *e)
{
    auto_buf foreign = BUF(ERR_MSG_MAX);
    if (door_broken(g->door, &foreign))
        return err_set(e, ERR_DENIED, 0, "%s", buf_str(&foreign));
    int ended = box_wait(g->box, 0, e);
    if (ended == 1)
        engine_how_ended(g, how);
    return ended;
}

void engine_free(struct engine *g, bool failed)
{
    if (!g)
        return;
    if (g->silence)
        silence_abort(g->silence);
    else
        box_free(g->box);
    engine_log_stop(g->log);
    door_free(g->door);
    engine_folder_remove(g, failed);
    prompts_fini(&g->prompts);
    free(g->name);
    free(g->version);
    free(g->env);
    free(g);
}

void engine_halt(struct engine *g, struct site *s, int grace_ms, const char *why)
{
    struct err ignored;
    if (g->silence)
        silence_abort(g->silence);
    else if (g->box)
        box_stop(g->box, grace_ms, &ignored); /* what it cannot end, box_free kills */
    if (!g->silence)
        box_free(g->box);
    g->silence = NULL;
    g->box = NULL;
    if (s)
        engine_record_stop(g, s, why);
    log_event(EV_ENGINE_STOPPED, "engine", g->id, "why", why, NULL);
}

void engine_stop(struct engine *g, struct site *s, int grace_ms, const char *why)
{
    if (!g)
        return;
    engine_halt(g, s, grace_ms, why);
    engine_free(g, false);
}

int engine_silence_end(struct engine *g, struct site *s, int grace_ms, struct silence_result *out, struct err *e)
{
    struct silence *session = g->silence;
    g->silence = NULL;
    int result = silence_end(session, grace_ms, out, e);
    g->box = NULL; /* was the session's */
    if (s)
        engine_record_stop(g, s, "silence test");
    engine_free(g, false);
    return result;
}
