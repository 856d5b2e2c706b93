/* Verification of a passport with keys alone. Every line of the file must verify and be about one subject; the last is
 * the closing verdict; its list and the other lines must be the same set. What is wrong is named by line number and
 * digest, so that an auditor can say which line was removed, changed or put in. */
#include <stdlib.h>
#include <string.h>

#include "gate/passport_internal.h"
#include "gate/rules.h"
#include "trust/dsse_parts.h"
#include "util/limits.h"

#define PASSPORT_LINES_MAX 20001U

struct checked {
    struct span bytes;
    struct digest id;
    struct statement statement; /* root NULL: does not verify */
    bool listed;
};

struct checking {
    const struct passport_check *c;
    struct buf *report;
    struct checked *lines;
    size_t count;
    bool ok;
};

static void wrong(struct checking *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong(struct checking *k, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(k->report, format, args);
    va_end(args);
    buf_add_byte(k->report, '\n');
    k->ok = false;
}

static void checking_fini(struct checking *k)
{
    for (size_t i = 0; i < k->count; i++)
        statement_fini(&k->lines[i].statement);
    free(k->lines);
}

static int split(struct checking *k, struct span file, const char *name, struct err *e)
{
    struct span line, rest = file;
    size_t count = 0;
    while (span_take_until(&rest, '\n', &line))
        count++;
    if (rest.len > 0)
        count++;
    if (count == 0)
        return err_set(e, ERR_INPUT, 0, "%s: empty; wanted one envelope a line", name);
    if (count > PASSPORT_LINES_MAX)
        return err_set(e, ERR_LIMIT, 0, "%s: %zu lines; at most %u are read", name, count, PASSPORT_LINES_MAX);
    k->lines = calloc(count, sizeof *k->lines);
    if (!k->lines)
        abort();
    for (rest = file; k->count < count; k->count++) {
        if (!span_take_until(&rest, '\n', &line))
            line = rest;
        k->lines[k->count].bytes = line;
        k->lines[k->count].id = digest_of(line);
    }
    return 0;
}

/* ── what a line that does not verify says that it is ──
 *
 * Nothing is decided on these words, and none of an unknown author's is repeated: a type is named by our own word for
 * it, a key by its 64 hex digits. They help whoever forgot one of the keys. */

/* The string behind `mark`, up to its quote. */
static bool quoted_behind(struct span text, const char *mark, struct span *out)
{
    const uint8_t *at = memmem(text.ptr, text.len, mark, strlen(mark));
    if (!at)
        return false;
    size_t skip = (size_t)(at - text.ptr) + strlen(mark);
    struct span rest = span_of(text.ptr + skip, text.len - skip);
    return span_take_until(&rest, '"', out);
}

static const char *claimed_type(const struct checking *k, struct span line, char type[128])
{
    struct span found;
    struct err why;
    auto_dsse_parts parts = {.count = 0};
    if (dsse_take_apart(k->c->parser, line, &parts, &why) < 0 ||
        !quoted_behind(parts.payload, "\"predicateType\":\"", &found) || found.len >= 128)
        return NULL;
    snprintf(type, 128, "%.*s", (int)found.len, (const char *)found.ptr);
    const char *words = passport_words(type);
    return words == type ? NULL : words;
}

static void wrong_line(struct checking *k, size_t number, const struct checked *line, const char *why)
{
    char type[128];
    struct span hex;
    struct digest key;
    const char *words = claimed_type(k, line->bytes, type);
    auto_buf text = BUF(1024);
    buf_printf(&text, "line %zu (%s)%s%s: %s", number, digest_text(&line->id).text,
               words ? ", by its own account: " : "", words ? words : "", why);
    if (quoted_behind(line->bytes, "\"keyid\":\"", &hex) && digest_from_hex(hex, &key)) {
        bool given = false;
        for (size_t i = 0; i < k->c->key_count; i++)
            given |= digest_equal(public_key_id(k->c->keys[i]), &key);
        buf_printf(&text,
                   given ? "; it names key %.16s…, which was given" : "; it names key %.16s…: give that key with --key",
                   digest_hex(&key).text);
    }
    wrong(k, "%s", buf_str(&text));
}

static int verify_lines(struct checking *k, struct err *e)
{
    const struct passport_check *c = k->c;
    for (size_t i = 0; i < k->count; i++) {
        struct checked *line = &k->lines[i];
        struct err why = {0};
        if (statement_verify(c->parser, line->bytes, c->keys, c->key_count, NULL, NULL, &line->statement, &why) == 0)
            continue;
        if (why.code != ERR_INPUT && why.code != ERR_LIMIT && why.code != ERR_DENIED)
            return err_set(e, why.code, why.sys_errno, "%s", why.msg);
        wrong_line(k, i + 1, line, why.msg);
    }
    return 0;
}

static struct checked *find_line(struct checking *k, const struct digest *id)
{
    for (size_t i = 0; i + 1 < k->count; i++)
        if (digest_equal(&k->lines[i].id, id))
            return &k->lines[i];
    return NULL;
}

/* The verdict's list against the lines: what is listed and not there was removed or changed, what is there and not
 * listed was changed or put in. */
static void compare_lists(struct checking *k, const json_t *inputs)
{
    size_t i;
    json_t *item;
    struct digest id;
    if (!json_is_array(inputs) || json_array_size(inputs) == 0)
        wrong(k, "line %zu: the closing verdict lists no attestations", k->count);
    json_array_foreach((json_t *)inputs, i, item)
    {
        const char *hex = json_get_string(json_object_get(item, "digest"), "sha256", "");
        struct checked *line = digest_from_hex(span_str(hex), &id) ? find_line(k, &id) : NULL;
        if (line)
            line->listed = true;
        else
            wrong(k, "attestation %zu of the closing verdict, sha256:%.64s, is not in the file: removed or changed",
                  i + 1, hex);
    }
    for (i = 0; i + 1 < k->count; i++)
        if (!k->lines[i].listed)
            wrong(k, "line %zu (%s): the closing verdict does not list it: changed or put in", i + 1,
                  digest_text(&k->lines[i].id).text);
    for (i = 0; i + 1 < k->count; i++)
        for (size_t n = i + 1; n + 1 < k->count; n++)
            if (digest_equal(&k->lines[i].id, &k->lines[n].id))
                wrong(k, "line %zu repeats line %zu", n + 1, i + 1);
}

static void check_subjects(struct checking *k, const struct digest *subject)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->lines[i].statement.root && !digest_equal(&k->lines[i].statement.subject, subject))
            wrong(k, "line %zu is about %s, the closing verdict about %s", i + 1,
                  digest_text(&k->lines[i].statement.subject).text, digest_text(subject).text);
    if (k->c->release && !digest_equal(k->c->release, subject))
        wrong(k, "the passport is of %s, asked was for %s", digest_text(subject).text, digest_text(k->c->release).text);
}

/* The key of the verdict is the contour's. People's statements must come from other keys, or the contour could have
 * approved for them. */
static void check_people(struct checking *k, uint64_t contour)
{
    for (size_t i = 0; i + 1 < k->count; i++) {
        const struct statement *s = &k->lines[i].statement;
        if (!s->root)
            continue;
        bool of_person = evidence_is_of_person(s->predicate_type);
        if (of_person && s->signers & contour)
            wrong(k, "line %zu: a person's statement is signed with the contour's key", i + 1);
        if (evidence_needs_contour(s->predicate_type) && !(s->signers & contour))
            wrong(k, "line %zu (%s) is signed with another key than the closing verdict", i + 1, s->predicate_type);
    }
}

/* A verdict of another contour is a verdict about another contour's policy, people and hardware. */
static void check_contour(struct checking *k, const json_t *predicate)
{
    if (!k->c->contour)
        return;
    auto_buf id = BUF(128), uri = BUF(128);
    verifier_id(k->c->contour, &id);
    buf_printf(&uri, "urn:airlock:release:%s:", k->c->contour);
    const char *verifier = json_get_string(json_object_get(predicate, "verifier"), "id", "");
    const char *resource = json_get_string(predicate, "resourceUri", "");
    if (strcmp(verifier, buf_str(&id)) != 0 || strncmp(resource, buf_str(&uri), uri.len) != 0)
        wrong(k, "the closing verdict is of %.100s about %.200s, asked was for contour %s", verifier, resource,
              k->c->contour);
}

/* What does not verify says nothing, and was named already. */
static void decide(struct checking *k)
{
    struct passport_line *lines = calloc(k->count, sizeof *lines);
    size_t count = 0;
    if (!lines)
        abort();
    for (size_t i = 0; i < k->count; i++)
        if (k->lines[i].statement.root)
            lines[count++] = (struct passport_line){i + 1, k->lines[i].id, &k->lines[i].statement};
    if (k->c->rules && !passport_decide(k->c, lines, count, k->report))
        k->ok = false;
    free(lines);
}

static void check_closing(struct checking *k)
{
    const struct statement *s = &k->lines[k->count - 1].statement;
    if (!s->root)
        return; /* said already */
    if (strcmp(s->predicate_type, PREDICATE_VSA) != 0) {
        wrong(k, "line %zu: wanted the closing verdict (%s), found %.100s", k->count, PREDICATE_VSA, s->predicate_type);
        return;
    }
    const char *result = json_get_string(s->predicate, "verificationResult", "nothing");
    if (strcmp(result, "PASSED") != 0)
        wrong(k, "the closing verdict is %.20s", result);
    const char *hex = json_get_string(json_object_get(json_object_get(s->predicate, "policy"), "digest"), "sha256", "");
    if (k->c->policy && strcmp(hex, digest_hex(k->c->policy).text) != 0)
        wrong(k, "the closing verdict was made under policy sha256:%.64s, asked was for %s", hex,
              digest_text(k->c->policy).text);
    check_contour(k, s->predicate);
    compare_lists(k, json_object_get(s->predicate, "inputAttestations"));
    check_subjects(k, &s->subject);
    check_people(k, s->signers);
    decide(k);
}

int passport_verify(struct span file, const char *name, const struct passport_check *c, struct buf *report,
                    struct err *e)
{
    AUTO(checking_fini) struct checking k = {.c = c, .report = report, .ok = true};
    if (c->decided)
        *c->decided = (struct verdict){.passed = false};
    if (split(&k, file, name, e) < 0) {
        if (e->code != ERR_INPUT && e->code != ERR_LIMIT)
            return -1;
        wrong(&k, "%s", e->msg);
        return 0;
    }
    if (verify_lines(&k, e) < 0)
        return -1;
    if (c->no_rules)
        wrong(&k, "the policy cannot be read: %s", c->no_rules);
    check_closing(&k);
    return k.ok ? 1 : 0;
}
