#include "gateway/record.h"

#include <stdlib.h>

/* A record is one line of a segment; what is longer is not kept. */
#define PROMPT_BYTES_MAX 16384U

static void put_messages(struct json_out *w, const json_t *messages)
{
    char *text = json_dumps(messages, JSON_COMPACT | JSON_ENCODE_ANY);
    struct span all = span_str(text ? text : "");
    if (all.len <= PROMPT_BYTES_MAX && text) {
        json_out_key(w, "messages");
        json_out_raw(w, all);
    } else {
        json_put_uint(w, "messages_bytes", all.len);
    }
    free(text);
}

void record_request(const struct access_request *a, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_time(&w, "time", a->time_s);
    json_put_string(&w, "kind", "request");
    json_put_string(&w, "request", a->request);
    json_put_string(&w, "person", a->who->person);
    json_put_string(&w, "role", a->who->role_name);
    json_put_string(&w, "environment", a->environment);
    if (a->model)
        json_put_string(&w, "model", a->model);
    if (a->release)
        json_put_digest(&w, "release", a->release);
    json_put_uint(&w, "status", a->status);
    json_put_string(&w, "outcome", a->outcome);
    json_put_bool(&w, "stream", a->stream);
    json_put_uint(&w, "tokens_in", a->tokens_in);
    json_put_uint(&w, "tokens_out", a->tokens_out);
    if (a->first_token_ms >= 0)
        json_put_int(&w, "first_token_ms", a->first_token_ms);
    json_put_int(&w, "total_ms", a->total_ms);
    if (a->messages)
        put_messages(&w, a->messages);
    json_out_object_end(&w);
}
