/* TLS by the library's GnuTLS: version 1.2 and 1.3. A certificate and its key are read from two files, looked at again
 * every second, and given to the sessions that begin from then on; a session that goes on keeps what it began with.
 * Hard rule: a pair that does not load never takes the place of one that did. */
#pragma once

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "http/http.h"

/* TLS 1.2 with forward secrecy and authenticated ciphers only, and TLS 1.3. */
#define TLS_PRIORITIES                                                                                               \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305:-MAC-" \
    "ALL:+AEAD:%SERVER_PRECEDENCE"

struct tls;

/* One certificate and key as they were loaded; freed when nobody holds it. */
struct tls_pair;

/* Loads the pair. NULL: ERR_NOTFOUND, ERR_DENIED (others may read the key), ERR_INPUT (not PEM, sealed, the key does
 * not fit), ERR_IO. */
struct tls *tls_open(const struct http_tls *o, struct err *e);
void tls_close(struct tls *t); /* NULL is fine; no session may be left */

/* What the library wants at its start, until tls_started. */
const char *tls_certificate_text(struct tls *t);
const char *tls_key_text(struct tls *t);
void tls_started(struct tls *t);

/* A session begins: it gets the present pair, which is held for it until tls_end. */
struct tls_pair *tls_begin(struct tls *t, gnutls_session_t session);
void tls_end(struct tls_pair *p); /* NULL is fine */

/* Loads the pair anew when its files have changed. Called by one thread, some times a second; `now`: without waiting
 * for the second. */
void tls_look(struct tls *t, int64_t now_ms, bool now);

/* Writes all of it, without waiting; what does not fit at once is lost. Then the end of our side. */
void tls_send_last(gnutls_session_t session, struct span bytes);
