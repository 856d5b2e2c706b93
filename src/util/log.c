#include "util/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/json.h"

#define LOG_LINE_MAX 4096

#define LOG_NAME(id, text) text,
static const char *const NAMES[] = {LOG_EVENTS(LOG_NAME)};

static _Atomic(enum log_format) log_format_now = LOG_TEXT;

void log_set_format(enum log_format format)
{
    log_format_now = format;
}

const char *log_event_name(enum log_event id)
{
    return id < LOG_EVENT_COUNT ? NAMES[id] : "unknown";
}

static void add_json(struct buf *line, enum log_event id, va_list args)
{
    struct json_out w;
    json_out_init(&w, line);
    json_out_object(&w);
    json_put_time(&w, "time", clock_now_s());
    json_put_string(&w, "event", log_event_name(id));
    for (const char *key = va_arg(args, const char *); key; key = va_arg(args, const char *))
        json_put_string(&w, key, va_arg(args, const char *));
    json_out_object_end(&w);
}

static void add_text(struct buf *line, enum log_event id, va_list args)
{
    buf_printf(line, "airlock: %s", log_event_name(id));
    for (const char *key = va_arg(args, const char *); key; key = va_arg(args, const char *))
        buf_printf(line, " %s=%s", key, va_arg(args, const char *));
}

void log_event(enum log_event id, ...)
{
    enum log_format format = log_format_now;
    if (format == LOG_SILENT)
        return;
    auto_buf line = BUF(LOG_LINE_MAX);
    va_list args;
    va_start(args, id);
    if (format == LOG_JSON)
        add_json(&line, id, args);
    else
        add_text(&line, id, args);
    va_end(args);
    buf_add_byte(&line, '\n');
    /* A log that cannot be written has nowhere to say so. */
    if (line.len && write(STDERR_FILENO, line.ptr, line.len) < 0)
        return;
}
