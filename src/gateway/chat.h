/* A chat completion request of the OpenAI API: read, checked, and written again for the engine with the release's
 * system prompt in front and its parameters filled in. Pure. Hard rule: nothing in a request makes the engine fetch
 * anything: media is data:, or refused. */
#pragma once

#include "util/json.h"

#define CHAT_BODY_MAX     (8U << 20) /* images come as base64 in it */
#define CHAT_MESSAGES_MAX 4096U

struct chat {
    json_t *root;      /* owned */
    const char *model; /* of root */
    const json_t *messages;
    bool stream;
    bool wants_usage; /* stream_options.include_usage: the last event of a stream carries the token counts */
};

/* ERR_INPUT names the place and what was wanted; ERR_LIMIT. A parameter that is not of the API is refused by name,
 * rather than dropped unseen. */
int chat_parse(struct span body, struct chat *out, struct err *e);
void chat_fini(struct chat *c);

/* What the engine gets. `system` may be "" (no message is put in front); `parameters` may be NULL. Token counts are
 * always asked for, since the access record needs them. */
void chat_write(const struct chat *c, const char *system, const json_t *parameters, struct buf *out);

/* The first place in `messages` where media is not data:. 0, or -1 with ERR_INPUT. */
int media_check(const json_t *messages, struct err *e);
