#include "parse/jinja.h"

#include <stdio.h>
#include <string.h>

#include "parse/jinja_rules.h"

/* Templates that were read by people, by the SHA-256 of their text as it stands. */
static const struct {
    const char *sha256, *model;
} KNOWN[] = {
    {"872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788", "SmolLM2 Instruct"},
};

/* Characters that people do not see, or that turn the order of reading around: U+200B to 200F, 202A to 202E, 2060 to
 * 2069, FEFF, tags E0000 to E007F. */
static bool is_hidden(const uint8_t *p, size_t left)
{
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80)
        return (p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae);
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x81)
        return p[2] >= 0xa0 && p[2] <= 0xa9;
    if (left >= 3 && p[0] == 0xef)
        return p[1] == 0xbb && p[2] == 0xbf;
    return left >= 4 && p[0] == 0xf3 && p[1] == 0xa0 && (p[2] == 0x80 || p[2] == 0x81);
}

bool jinja_has_hidden(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= 0xe2 && is_hidden(text.ptr + i, text.len - i))
            return true;
    return false;
}

bool jinja_has_tags(struct span text)
{
    return text.len > 3 && (memmem(text.ptr, text.len, "{{", 2) || memmem(text.ptr, text.len, "{%", 2));
}

const char *jinja_known(const struct digest *id)
{
    struct digest_hex hex = digest_hex(id);
    for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++)
        if (strcmp(hex.text, KNOWN[i].sha256) == 0)
            return KNOWN[i].model;
    return NULL;
}

static bool is_allowed(const struct digest *id, const struct template_rules *rules)
{
    for (size_t i = 0; i < rules->allowed_count; i++)
        if (digest_equal(id, &rules->allowed[i]))
            return true;
    return jinja_known(id) != NULL;
}

static void write_facts(struct json_out *w, const char *name, const struct digest *id, bool known, bool allowed)
{
    if (!w)
        return;
    json_out_object(w);
    json_put_string(w, "name", name);
    json_put_string(w, "sha256", digest_hex(id).text);
    json_put_bool(w, "known", known);
    json_put_bool(w, "allowed", allowed);
    json_out_object_end(w);
}

/* ── one template ── */

struct look {
    struct span text;
    const char *at;
    bool certain; /* somebody renders it */
    struct report *r;
};

static void place_of(const struct look *l, size_t offset, char *at, size_t size)
{
    size_t line, column;
    jinja_place(l->text, offset, &line, &column);
    snprintf(at, size, "%.150s%sline %zu, column %zu", l->at, l->at[0] ? ", " : "", line, column);
}

static void finding(const struct look *l, const char *rule, size_t offset, const char *what)
{
    char at[224];
    place_of(l, offset, at, sizeof(at));
    report_finding(l->r, l->certain ? SEVERITY_HIGH : SEVERITY_LOW, rule, at, "%s", what);
}

static void check_characters(const struct look *l)
{
    for (size_t i = 0; i < l->text.len; i++) {
        uint8_t c = l->text.ptr[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
            finding(l, "template-control", i, "a control character");
            return;
        }
        if (c >= 0xe2 && is_hidden(l->text.ptr + i, l->text.len - i)) {
            finding(l, "template-hidden", i, "an invisible character, or one that changes the direction of reading");
            return;
        }
    }
}

/* What it cannot read it judges by what every dangerous template has in it. */
static void broken(const struct look *l, const struct jinja *j)
{
    char what[192], at[224];
    snprintf(what, sizeof(what), "does not parse: %s", j->problem);
    place_of(l, j->problem_at, at, sizeof(at));
    if (l->certain)
        report_stop(l->r, SEVERITY_HIGH, "template-syntax", at, "%s", what);
    else
        report_finding(l->r, SEVERITY_LOW, "template-syntax", at, "%s", what);
    if (memmem(l->text.ptr, l->text.len, "__", 2))
        report_finding(l->r, SEVERITY_HIGH, "template-underscores", l->at,
                       "a broken template with two underscores in it, as names of Python's machinery have");
}

static void look_at(const struct look *l)
{
    if (!span_is_utf8(l->text)) {
        report_stop(l->r, SEVERITY_HIGH, "template-encoding", l->at, "the template is not UTF-8");
        return;
    }
    auto_jinja j = {0};
    bool whole = jinja_parse(&j, l->text);
    check_characters(l);
    if (whole)
        jinja_rules_check(&j, l->at, l->certain, l->r);
    else if (j.too_large)
        report_not_scanned(l->r, "template-size", l->at, "a template of %s", j.problem);
    else
        broken(l, &j);
}

static void check(struct span text, bool certain, const char *name, const char *at, const struct template_rules *rules,
                  struct json_out *w, struct report *r)
{
    struct look l = {.text = text, .at = at, .certain = certain, .r = r};
    struct digest id = digest_of(text);
    bool known = is_allowed(&id, rules);
    size_t before = r->heavy;
    if (!known)
        look_at(&l);
    write_facts(w, name, &id, known, known || r->heavy == before);
    if (known || !certain)
        return;
    if (r->heavy == before)
        report_finding(r, SEVERITY_INFO, "template-unknown", at,
                       "the template %s does nothing that chat templates may not do; nobody has put it on a list of "
                       "templates whose texts people have read",
                       digest_text(&id).text);
    else
        report_finding(r, SEVERITY_INFO, "template-unknown", at,
                       "the template %s passes only when people have read it and `airlock policy set` has put it into "
                       "`templates`",
                       digest_text(&id).text);
}

void jinja_check(struct span text, const char *name, const char *at, const struct template_rules *rules,
                 struct json_out *w, struct report *r)
{
    check(text, true, name, at, rules, w, r);
}

void jinja_check_text(struct span text, const char *name, const char *at, const struct template_rules *rules,
                      struct json_out *w, struct report *r)
{
    check(text, false, name, at, rules, w, r);
}
