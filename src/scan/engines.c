/* Which engines there are, and what they say of one file. */
#include "scan/engines.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sandbox/child.h"
#include "scan/engines_rules.h"
#include "util/clock.h"
#include "util/limits.h"

#define COMPILE_TIMEOUT_MS 120000

/* What answers no question of some bytes in this time answers none of a file. */
#define PROOF_TIMEOUT_MS 30000

static const char *const NAMES[ENGINES] = {[ENGINE_CLAMAV] = "clamav", [ENGINE_YARA] = "yara"};

const char *engine_name(enum scan_engine g)
{
    return NAMES[g];
}

bool engine_from_name(const char *name, enum scan_engine *out)
{
    for (int g = 0; g < ENGINES; g++) {
        *out = (enum scan_engine)g;
        if (strcmp(name, NAMES[g]) == 0)
            return true;
    }
    return false;
}

static unsigned of_all_classes(const struct engines_wanted *w)
{
    unsigned bits = 0;
    for (int c = 0; c < FILE_CLASSES; c++)
        bits |= w->classes[c];
    return bits;
}

unsigned engines_of_class(const struct engines_wanted *w, enum file_class c)
{
    return file_class_holds_files(c) ? of_all_classes(w) : w->classes[c];
}

bool engines_asked(const struct engines_wanted *w, enum scan_engine g)
{
    return of_all_classes(w) & 1U << g;
}

/* ── what is there ── */

static void not_ready(struct engine_state *s, const struct err *why)
{
    snprintf(s->why, sizeof s->why, "%.500s", why->msg);
}

static void open_clamd(struct engines *n)
{
    struct engine_state *s = &n->state[ENGINE_CLAMAV];
    struct clamd_version version;
    struct err why = {0};
    if (clamd_version(n->wanted.clamd, PROOF_TIMEOUT_MS, &version, &why) < 0 ||
        clamd_prove(n->wanted.clamd, PROOF_TIMEOUT_MS, &why) < 0) {
        not_ready(s, &why);
        return;
    }
    s->ready = true;
    snprintf(s->version, sizeof s->version, "%s", version.engine);
    snprintf(s->database, sizeof s->database, "%s", version.database);
    s->date_s = version.date_s;
}

/* 0, or -1: the rules are no rules, or (ERR_SYSTEM) no helper can be had. */
static int load_rules(const struct engines *n, struct child *child, json_t **reply, struct err *e)
{
    struct child_request request = {
        .op = "yara-rules", .fd = -1, .input = buf_span(&n->rules), .timeout_ms = COMPILE_TIMEOUT_MS};
    *reply = child_call_json(child, &request, "YARA rules", e);
    return *reply ? 0 : -1;
}

static int open_yara(struct engines *n, struct child *parser, struct err *e)
{
    struct engine_state *s = &n->state[ENGINE_YARA];
    struct err why = {0};
    json_t *reply = NULL;
    if (engines_read_rules(n->wanted.yara, &n->rules, &s->date_s, &why) < 0 ||
        load_rules(n, parser, &reply, &why) < 0) {
        not_ready(s, &why);
        return why.code == ERR_SYSTEM ? err_set(e, ERR_SYSTEM, 0, "%s", why.msg) : 0;
    }
    s->ready = true;
    n->rules_digest = digest_of(buf_span(&n->rules));
    snprintf(s->version, sizeof s->version, "YARA %.40s", json_get_string(reply, "version", ""));
    snprintf(s->database, sizeof s->database, "%s", digest_text(&n->rules_digest).text);
    s->rules = (uint64_t)json_integer_value(json_object_get(reply, "rules"));
    json_decref(reply);
    return 0;
}

int engines_open(struct engines *out, const struct engines_wanted *w, struct child *parser, struct err *e)
{
    *out = (struct engines){.wanted = *w, .timeout_ms = CLAMD_TIMEOUT_MS, .rules = BUF(LIMIT_ENGINE_RULES)};
    for (int g = 0; g < ENGINES; g++)
        out->state[g].asked = engines_asked(w, (enum scan_engine)g);
    if (out->state[ENGINE_CLAMAV].asked)
        open_clamd(out);
    return out->state[ENGINE_YARA].asked ? open_yara(out, parser, e) : 0;
}

bool engines_any(const struct engines *n)
{
    return n->state[ENGINE_CLAMAV].asked || n->state[ENGINE_YARA].asked;
}

void engines_fini(struct engines *n)
{
    buf_fini(&n->rules);
}

/* ── a look ── */

static void put_classes(const struct engines_wanted *w, enum scan_engine g, struct json_out *out)
{
    json_put_array(out, "classes");
    for (int c = 0; c < FILE_CLASSES; c++)
        if (w->classes[c] & 1U << g)
            json_out_string(out, file_class_name((enum file_class)c));
    json_out_array_end(out);
}

static void put_data(const struct engine_state *s, struct json_out *w)
{
    json_put_string(w, "version", s->version);
    json_put_string(w, "database", s->database);
}

static void put_arg(const struct engines *n, struct json_out *w)
{
    for (int g = 0; g < ENGINES; g++) {
        if (!n->state[g].asked)
            continue;
        json_put_object(w, NAMES[g]);
        json_put_bool(w, "ready", n->state[g].ready);
        put_data(&n->state[g], w);
        put_classes(&n->wanted, (enum scan_engine)g, w);
        json_out_object_end(w);
    }
}

void engines_add_arg(const struct engines *n, char **arg)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES), more = BUF(4096);
    struct json_out w;
    json_out_init(&w, &more);
    json_out_object(&w);
    put_arg(n, &w);
    json_out_object_end(&w);
    if (more.len <= 2)
        return;
    buf_add(&text, *arg, strlen(*arg) - 1); /* without its brace */
    buf_add_byte(&text, ',');
    buf_add_str(&text, buf_str(&more) + 1);
    free(*arg);
    *arg = buf_steal_str(&text);
    if (!*arg)
        abort();
}

bool engines_feed(const struct engines *n, struct child *child, struct err *why)
{
    json_t *reply = NULL;
    if (!n->state[ENGINE_YARA].ready || why->code != ERR_NOTFOUND)
        return false;
    err_clear(why);
    if (load_rules(n, child, &reply, why) < 0)
        return false;
    json_decref(reply);
    return true;
}

static void put_answer(json_t *engines, enum scan_engine g, const char *answer, const char *text)
{
    json_t *one = json_pack("{s:s}", "answer", answer);
    if (!one || json_object_set_new(engines, NAMES[g], one) < 0)
        abort();
    if (text[0])
        json_object_set_new(one, "text", json_string(text));
}

static void not_looked(json_t *engines, enum scan_engine g, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void not_looked(json_t *engines, enum scan_engine g, const char *format, ...)
{
    auto_buf text = BUF(2048);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    put_answer(engines, g, "not-looked", buf_str(&text));
}

static void look_by_clamd(const struct engines *n, int fd, enum file_class class, json_t *engines)
{
    struct stat st = {0};
    struct clamd_reply reply;
    struct err why = {0};
    if (fstat(fd, &st) < 0 || (uint64_t)st.st_size > CLAMD_FILE_BYTES_MAX) {
        not_looked(engines, ENGINE_CLAMAV,
                   "%llu bytes; ClamAV looks at no file of more than 2 GiB: take clamav away "
                   "from the class %s in the policy, or bring it in smaller parts",
                   (unsigned long long)st.st_size, file_class_name(class));
        return;
    }
    if (clamd_look(n->wanted.clamd, fd, n->timeout_ms, &reply, &why) < 0) {
        not_looked(engines, ENGINE_CLAMAV, "%s", why.msg);
    } else if (reply.answer == CLAMD_FOUND) {
        put_answer(engines, ENGINE_CLAMAV, "found", reply.text);
    } else if (reply.answer == CLAMD_LIMITS) {
        not_looked(engines, ENGINE_CLAMAV,
                   "ClamAV did not look to its end (%s): see MaxFileSize, MaxScanSize, "
                   "MaxRecursion and the like in clamd.conf",
                   reply.text);
    } else if (reply.answer == CLAMD_ERROR) {
        not_looked(engines, ENGINE_CLAMAV,
                   "ClamAV cannot look at it (%s): let clamd read the store (AppArmor), or "
                   "raise StreamMaxLength in clamd.conf",
                   reply.text);
    } else {
        put_answer(engines, ENGINE_CLAMAV, "ok", "");
    }
}

void engines_look(const struct engines *n, int fd, json_t *reply)
{
    enum file_class class;
    if (!file_class_from_name(json_get_string(reply, "class", "unknown"), &class))
        class = CLASS_UNKNOWN;
    unsigned needed = engines_of_class(&n->wanted, class);
    json_t *engines = json_object();
    if (!engines)
        abort();
    for (int g = 0; g < ENGINES; g++) {
        if (!(needed & 1U << g))
            continue;
        if (!n->state[g].ready)
            not_looked(engines, (enum scan_engine)g, "the policy asks for %s, and it is not ready: %s", NAMES[g],
                       n->state[g].why);
        else if (g == ENGINE_CLAMAV)
            look_by_clamd(n, fd, class, engines);
        else
            put_answer(engines, ENGINE_YARA, "ok", ""); /* its findings stand among the others */
    }
    json_t *clamav = json_object_get(engines, NAMES[ENGINE_CLAMAV]);
    if (clamav && !n->state[ENGINE_CLAMAV].database[0])
        json_object_set_new(clamav, "unversioned", json_true());
    if (needed)
        json_object_set(reply, "engines", engines);
    json_decref(engines);
}

bool engines_unsure(const json_t *reply)
{
    const char *name;
    json_t *one;
    json_object_foreach(json_object_get(reply, "engines"), name, one)
    {
        if (strcmp(json_get_string(one, "answer", ""), "not-looked") == 0 ||
            json_is_true(json_object_get(one, "unversioned")))
            return true;
    }
    return false;
}

/* ── the report ── */

void engines_put_states(const struct engines *n, struct json_out *w)
{
    json_put_array(w, "engines");
    for (int g = 0; g < ENGINES; g++) {
        const struct engine_state *s = &n->state[g];
        if (!s->asked)
            continue;
        json_out_object(w);
        json_put_string(w, "name", NAMES[g]);
        json_put_bool(w, "ready", s->ready);
        if (s->ready) {
            put_data(s, w);
            if (s->date_s)
                json_put_time(w, "date", s->date_s);
        } else {
            json_put_string(w, "why", s->why);
        }
        put_classes(&n->wanted, (enum scan_engine)g, w);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}
