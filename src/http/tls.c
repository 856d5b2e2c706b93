#include "http/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/auto.h"
#include "util/clock.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/log.h"

#define PEM_MAX (256U << 10)
#define LOOK_MS 1000
#define SPKI_ID 32U /* SHA-256 */

struct tls_pair {
    _Atomic unsigned holders;
    gnutls_certificate_credentials_t credentials;
};

/* What tells one state of a file from another. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct tls {
    int dir;
    char *certificate, *key; /* paths */
    struct buf certificate_text, key_text;
    pthread_mutex_t lock;
    struct tls_pair *pair; /* under lock */
    struct stamp loaded[2], seen[2];
    int64_t next_look_ms;
};

/* ── files ── */

/* As PostgreSQL has it: ours and nobody else's, or root's and then its group may read (Debian's ssl-cert). */
static int check_key_file(const struct tls *t, int fd, struct err *e)
{
    struct stat s;
    if (fstat(fd, &s) < 0)
        return err_set(e, ERR_IO, errno, "%s", t->key);
    unsigned mode = (unsigned)s.st_mode & 07777, forbidden = s.st_uid == geteuid() ? 077 : 027;
    if (!S_ISREG(s.st_mode))
        return err_set(e, ERR_INPUT, 0, "tls.key %s: wanted a regular file", t->key);
    if (s.st_uid != geteuid() && s.st_uid != 0)
        return err_set(e, ERR_DENIED, 0, "tls.key %s belongs to user %u; wanted this user, or root", t->key,
                       (unsigned)s.st_uid);
    if ((mode & forbidden) == 0)
        return 0;
    err_set(e, ERR_DENIED, 0, "tls.key %s: mode %04o lets others at the key; wanted 0600", t->key, mode);
    return err_hint(e, "If nobody has read it: `chmod 600 %s`", t->key);
}

static int read_key(const struct tls *t, struct buf *out, struct err *e)
{
    auto_fd fd = openat(t->dir, t->key, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_open_failed(t->dir, t->key, "tls.key", e);
    return check_key_file(t, fd, e) < 0 ? -1 : file_read_fd(fd, t->key, out, e);
}

static bool take_stamps(const struct tls *t, struct stamp out[2])
{
    const char *paths[2] = {t->certificate, t->key};
    memset(out, 0, 2 * sizeof(*out)); /* padding too: stamps are compared as bytes */
    for (size_t i = 0; i < 2; i++) {
        struct stat s;
        if (fstatat(t->dir, paths[i], &s, 0) < 0)
            return false;
        out[i].device = s.st_dev;
        out[i].inode = s.st_ino;
        out[i].size = s.st_size;
        out[i].modified = s.st_mtim;
        out[i].changed = s.st_ctim;
    }
    return true;
}

static void wipe(struct buf *b)
{
    if (b->ptr)
        explicit_bzero(b->ptr, b->len);
    buf_fini(b);
}

/* ── the first certificate of a chain ── */

static void free_crt(gnutls_x509_crt_t *c)
{
    if (*c)
        gnutls_x509_crt_deinit(*c);
}

/* The server's own certificate, which comes first. */
static int read_leaf(const char *path, struct span pem, gnutls_x509_crt_t *out, struct err *e)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    gnutls_datum_t text = {(unsigned char *)(uintptr_t)pem.ptr, (unsigned)pem.len};
    int code = gnutls_x509_crt_list_import2(&list, &count, &text, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0 || count == 0)
        return err_set(e, ERR_INPUT, 0, "tls.certificate %s: wanted certificates in PEM, the server's own first: %s",
                       path, gnutls_strerror(code));
    for (unsigned i = 1; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    *out = list[0];
    gnutls_free(list);
    return 0;
}

int http_tls_pin(const struct http_tls *tls, char out[HTTP_TLS_PIN_SIZE], struct err *e)
{
    auto_buf pem = BUF(PEM_MAX), text = BUF(HTTP_TLS_PIN_SIZE);
    AUTO(free_crt) gnutls_x509_crt_t leaf = NULL;
    uint8_t id[SPKI_ID];
    size_t size = sizeof(id);
    if (file_read(tls->dir, tls->certificate, &pem, e) < 0 || read_leaf(tls->certificate, buf_span(&pem), &leaf, e) < 0)
        return -1;
    int code = gnutls_x509_crt_get_key_id(leaf, GNUTLS_KEYID_USE_SHA256, id, &size);
    if (code < 0)
        return err_set(e, ERR_INPUT, 0, "tls.certificate %s: its public key: %s", tls->certificate,
                       gnutls_strerror(code));
    base64_encode(span_of(id, size), &text);
    snprintf(out, HTTP_TLS_PIN_SIZE, "sha256//%s", buf_str(&text));
    return 0;
}

static void say_loaded(const struct tls *t, struct span pem)
{
    AUTO(free_crt) gnutls_x509_crt_t leaf = NULL;
    if (read_leaf(t->certificate, pem, &leaf, NULL) == 0)
        log_event(EV_TLS_LOADED, "certificate", t->certificate, "expires",
                  time_text(gnutls_x509_crt_get_expiration_time(leaf)).text, NULL);
}

/* ── pairs ── */

void tls_end(struct tls_pair *p)
{
    if (!p || atomic_fetch_sub(&p->holders, 1) > 1)
        return;
    gnutls_certificate_free_credentials(p->credentials);
    free(p);
}

static struct tls_pair *pair_new(const struct tls *t, struct span certificate, struct span key, struct err *e)
{
    struct tls_pair *p = calloc(1, sizeof(*p));
    gnutls_datum_t c = {(unsigned char *)(uintptr_t)certificate.ptr, (unsigned)certificate.len};
    gnutls_datum_t k = {(unsigned char *)(uintptr_t)key.ptr, (unsigned)key.len};
    if (!p || gnutls_certificate_allocate_credentials(&p->credentials) < 0)
        abort();
    p->holders = 1;
    int code = gnutls_certificate_set_x509_key_mem2(p->credentials, &c, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (code >= 0)
        return p;
    tls_end(p);
    if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        err_set(e, ERR_INPUT, 0, "tls: the key in %s is not the one of the first certificate in %s", t->key,
                t->certificate);
    else if (code == GNUTLS_E_DECRYPTION_FAILED)
        err_set(e, ERR_INPUT, 0, "tls.key %s is sealed with a passphrase; wanted it unsealed, with mode 0600", t->key);
    else
        err_set(e, ERR_INPUT, 0, "tls: %s and %s: %s", t->certificate, t->key, gnutls_strerror(code));
    return NULL;
}

/* The stamps are taken before the files are read: what changes meanwhile is seen at the next look. */
static struct tls_pair *load(struct tls *t, struct buf *certificate, struct buf *key, struct err *e)
{
    AUTO(free_crt) gnutls_x509_crt_t leaf = NULL;
    (void)take_stamps(t, t->loaded);
    if (file_read(t->dir, t->certificate, certificate, e) < 0) {
        err_prefix(e, "tls.certificate");
        return NULL;
    }
    if (read_leaf(t->certificate, buf_span(certificate), &leaf, e) < 0 || read_key(t, key, e) < 0)
        return NULL;
    return pair_new(t, buf_span(certificate), buf_span(key), e);
}

struct tls_pair *tls_begin(struct tls *t, gnutls_session_t session)
{
    pthread_mutex_lock(&t->lock);
    struct tls_pair *p = t->pair;
    p->holders++;
    pthread_mutex_unlock(&t->lock);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, p->credentials);
    return p;
}

static void reload(struct tls *t)
{
    struct err e = {0};
    auto_buf certificate = BUF(PEM_MAX);
    AUTO(wipe) struct buf key = BUF(PEM_MAX);
    struct tls_pair *fresh = load(t, &certificate, &key, &e), *old;
    if (!fresh) {
        log_event(EV_TLS_REFUSED, "certificate", t->certificate, "key", t->key, "reason", e.msg, NULL);
        return;
    }
    pthread_mutex_lock(&t->lock);
    old = t->pair;
    t->pair = fresh;
    pthread_mutex_unlock(&t->lock);
    tls_end(old);
    say_loaded(t, buf_span(&certificate));
}

/* A change counts when two looks have seen the same: who replaces two files one after the other is not told, in
 * between, that they do not fit. */
void tls_look(struct tls *t, int64_t now_ms, bool now)
{
    struct stamp found[2];
    if (!now && now_ms < t->next_look_ms)
        return;
    t->next_look_ms = now_ms + LOOK_MS;
    bool there = take_stamps(t, found), settled = there && memcmp(found, t->seen, sizeof(found)) == 0;
    memcpy(t->seen, found, sizeof(found));
    if (now || (settled && memcmp(found, t->loaded, sizeof(found)) != 0))
        reload(t);
}

/* ── of a server ── */

struct tls *tls_open(const struct http_tls *o, struct err *e)
{
    struct tls *t = calloc(1, sizeof(*t));
    if (!t || !(t->certificate = strdup(o->certificate)) || !(t->key = strdup(o->key)))
        abort();
    pthread_mutex_init(&t->lock, NULL);
    t->dir = o->dir;
    t->certificate_text = BUF(PEM_MAX);
    t->key_text = BUF(PEM_MAX);
    t->pair = load(t, &t->certificate_text, &t->key_text, e);
    if (t->pair) {
        say_loaded(t, buf_span(&t->certificate_text));
        return t;
    }
    tls_close(t);
    return NULL;
}

void tls_close(struct tls *t)
{
    if (!t)
        return;
    tls_started(t);
    tls_end(t->pair);
    pthread_mutex_destroy(&t->lock);
    free(t->certificate);
    free(t->key);
    free(t);
}

const char *tls_certificate_text(struct tls *t)
{
    return buf_str(&t->certificate_text);
}

const char *tls_key_text(struct tls *t)
{
    return buf_str(&t->key_text);
}

void tls_started(struct tls *t)
{
    buf_fini(&t->certificate_text);
    wipe(&t->key_text);
}

void tls_send_last(gnutls_session_t session, struct span bytes)
{
    ssize_t n = 1;
    while (bytes.len > 0 && n > 0) {
        n = gnutls_record_send(session, bytes.ptr, bytes.len);
        if (n > 0)
            span_skip(&bytes, (size_t)n);
    }
    (void)gnutls_bye(session, GNUTLS_SHUT_WR);
}
