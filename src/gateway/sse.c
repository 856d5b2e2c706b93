#include "gateway/sse.h"

void sse_init(struct sse *s)
{
    *s = (struct sse){.line = BUF(SSE_EVENT_MAX), .data = BUF(SSE_EVENT_MAX)};
}

void sse_fini(struct sse *s)
{
    buf_fini(&s->line);
    buf_fini(&s->data);
}

static void take_field(struct sse *s, struct span line)
{
    if (!span_take_prefix(&line, SPAN_LIT("data:")))
        return;
    span_take_prefix(&line, SPAN_LIT(" "));
    if (s->has_data)
        buf_add_byte(&s->data, '\n');
    s->has_data = true;
    buf_add_span(&s->data, line);
}

/* A line has ended. An empty one ends the event. */
static int line_end(struct sse *s, int (*event)(void *arg, struct span data), void *arg)
{
    int result = 0;
    if (s->line.len > 0) {
        take_field(s, buf_span(&s->line));
    } else if (s->has_data && buf_ok(&s->data)) {
        result = event(arg, buf_span(&s->data));
        buf_clear(&s->data);
        s->has_data = false;
    }
    buf_clear(&s->line);
    return result;
}

int sse_feed(struct sse *s, struct span piece, int (*event)(void *arg, struct span data), void *arg, struct err *e)
{
    for (size_t i = 0; i < piece.len; i++) {
        uint8_t c = piece.ptr[i];
        bool second = c == '\n' && s->after_cr; /* of CR LF */
        s->after_cr = c == '\r';
        if (second)
            continue;
        if (c == '\n' || c == '\r') {
            bool fits = buf_ok(&s->line);
            int result = fits ? line_end(s, event, arg) : 0;
            if (result)
                return result;
            if (!fits || !buf_ok(&s->data))
                return err_set(e, ERR_LIMIT, 0, "an event of the engine has more than %u bytes", SSE_EVENT_MAX);
        } else {
            buf_add_byte(&s->line, c);
        }
    }
    return buf_ok(&s->line) ? 0
                            : err_set(e, ERR_LIMIT, 0, "an event of the engine has more than %u bytes", SSE_EVENT_MAX);
}
