/* Events for the operator: one JSON object a line on stderr in `serve`, or plain text in a command. Each event has a
 * stable id that docs/events.md explains. The ledger, not this log, is the record of decisions. */
#pragma once

#include "util/span.h"

/* The ids. The text in the second column is what stands in the log and in docs/events.md; a check holds the two
 * together. */
#define LOG_EVENTS(X)                        \
    X(EV_SERVE_STARTED, "serve-started")     \
    X(EV_SERVE_STOPPED, "serve-stopped")     \
    X(EV_ENGINE_STARTING, "engine-starting") \
    X(EV_ENGINE_READY, "engine-ready")       \
    X(EV_ENGINE_FAILED, "engine-failed")     \
    X(EV_ENGINE_STOPPED, "engine-stopped")   \
    X(EV_ENGINE_SWITCHED, "engine-switched") \
    X(EV_WAIVER_ENDS, "waiver-ends")         \
    X(EV_WAIVER_ENDED, "waiver-ended")       \
    X(EV_ENGINE_ESCAPE, "engine-escape")     \
    X(EV_REQUEST_REFUSED, "request-refused") \
    X(EV_CONNECTION_CUT, "connection-cut")   \
    X(EV_TLS_LOADED, "tls-loaded")           \
    X(EV_TLS_REFUSED, "tls-refused")         \
    X(EV_ACCESS_LOST, "access-lost")         \
    X(EV_AUTH_SLOWED, "auth-slowed")         \
    X(EV_AUTH_LOCKED, "auth-locked")         \
    X(EV_LEDGER_LAGS, "ledger-lags")         \
    X(EV_PARSER_CRASHED, "parser-crashed")   \
    X(EV_PUSH_NOT_TIDIED, "push-not-tidied") \
    X(EV_DEB_LEFT_OUT, "deb-left-out")       \
    X(EV_LEFTOVER_REMOVED, "leftover-removed")

#define LOG_ENUM(id, text) id,
enum log_event { LOG_EVENTS(LOG_ENUM) LOG_EVENT_COUNT };

enum log_format { LOG_TEXT, LOG_JSON, LOG_SILENT };

void log_set_format(enum log_format format);

const char *log_event_name(enum log_event id);

/* Writes one event: key, value, key, value, …, NULL; all strings. Safe from any thread: a line is one write. */
void log_event(enum log_event id, ...) __attribute__((sentinel));
