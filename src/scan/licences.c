/* What the parts of a release say of their licences: concluded for the inventory, and remarked in the report where it
 * is not known. Remarks change no verdict: what a licence is worth is the policy's to say, over the inventory. */
#include <stdio.h>
#include <string.h>

#include "parse/licence.h"
#include "scan/internal.h"
#include "scan/inventory_model.h"
#include "scan/licences.h"

static const json_t *facts_of(const struct scan_file *f)
{
    return json_object_get(f->reply, "facts");
}

static struct span fact(const struct scan_file *f, const char *name)
{
    return span_str(json_get_string(facts_of(f), name, ""));
}

bool scan_model_licence(const struct release *release, const struct scan_report *r, struct buf *out, bool *differs)
{
    struct span said[3] = {{0}}, files[1] = {{0}};
    auto_buf declared = BUF(LICENCE_MAX), words = BUF(LICENCE_MAX);
    bool several;
    licence_expression(span_str(release->licence), &declared);
    said[0] = buf_span(&declared);
    for (size_t i = 0; i < r->count; i++) {
        const struct scan_file *f = &r->files[i];
        if (!f->has_digest)
            continue;
        if (digest_equal(&f->digest, &release->model.digest))
            said[1] = fact(f, "licence_said");
        else if (digest_equal(&f->digest, &release->card.digest))
            said[2] = fact(f, "licence_said");
        else if (digest_equal(&f->digest, &release->licence_text.digest))
            files[0] = fact(f, "licence_text");
    }
    licence_conclude((struct span){0}, said, ARRAY_LEN(said), &words, &several);
    bool known = licence_conclude(buf_span(&words), files, 1, out, differs);
    *differs |= declared.len > 0 && !span_equal(buf_span(&words), buf_span(&declared));
    return known;
}

/* ── remarks ── */

static void remark(struct scan_report *out, struct scan_file *f, const char *said, const char *expression, bool differs)
{
    char text[400];
    if (!expression[0]) {
        snprintf(text, sizeof text, "its licence is not known%s%.200s%s", said[0] ? ": \"" : ", nothing says it", said,
                 said[0] ? "\" has no meaning, or several, and no licence file says more" : "");
        scan_add_finding(out, f, SEVERITY_INFO, "licence-unknown", text);
    } else if (differs) {
        snprintf(text, sizeof text, "its parts say more licences than it declares (%.100s): %.200s",
                 said[0] ? said : "nothing", expression);
        scan_add_finding(out, f, SEVERITY_INFO, "licence-differs", text);
    }
}

static void remark_package(struct scan_report *out, struct scan_file *f)
{
    const json_t *licence = json_object_get(facts_of(f), "licence");
    bool named = strcmp(f->package->ecosystem, "file") != 0 && strcmp(f->package->ecosystem, "hf") != 0;
    if (named && json_is_object(licence))
        remark(out, f, json_get_string(licence, "said", ""), json_get_string(licence, "expression", ""),
               json_is_true(json_object_get(licence, "differs")));
}

void scan_licences(const struct release *release, struct scan_report *out)
{
    for (size_t i = 0; i < out->count; i++) {
        struct scan_file *f = &out->files[i];
        auto_buf expression = BUF(LICENCE_MAX);
        bool differs = false;
        if (f->package) {
            remark_package(out, f);
        } else if (f->has_digest && digest_equal(&f->digest, &release->model.digest)) {
            scan_model_licence(release, out, &expression, &differs);
            remark(out, f, release->licence, buf_str(&expression), differs);
        }
    }
}

void scan_image_licences(const struct scan_inventory *v, struct scan_report *out, struct scan_file *row)
{
    const struct model_package *first = NULL;
    size_t unknown = 0;
    for (size_t i = 0; i < v->store->package_count; i++) {
        const struct model_package *p = &v->store->packages[i];
        if (p->spdx[0] || p->removed || p->declared)
            continue;
        first = first ? first : p;
        unknown++;
    }
    if (!first)
        return;
    char text[400];
    snprintf(text, sizeof text,
             "the licence of %zu of %zu packages of the image is not known, the first is %.100s %.60s", unknown,
             v->store->package_count, first->name, first->version);
    scan_add_finding(out, row, SEVERITY_INFO, "licence-unknown", text);
}
