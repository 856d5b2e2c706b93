/* The report in its two forms: the answer of the stand-alone command, and the predicate of the attestation. */
#include <stdio.h>
#include <string.h>

#include "scan/scan.h"
#include "util/limits.h"
#include "version.h"

/* Facts of one file in the predicate: those of a model are some hundred bytes; the list of an image's files is in the
 * inventory. */
#define LIMIT_FACTS_BYTES 16384U

const char *scan_result(const struct scan_report *r)
{
    return verdict_blocks(r->verdict) ? "FAILED" : "PASSED";
}

static void write_findings(struct json_out *w, const struct scan_file *f)
{
    json_put_array(w, "findings");
    for (size_t i = 0; i < f->finding_count; i++) {
        json_out_object(w);
        json_put_string(w, "rule", f->findings[i].rule);
        json_put_string(w, "severity", f->findings[i].severity);
        json_put_string(w, "at", f->findings[i].at);
        json_put_string(w, "message", f->findings[i].message);
        if (f->findings[i].not_scanned)
            json_put_bool(w, "not-scanned", true);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

/* What the readers took out of the file, as far as it is short. */
static void write_facts(struct json_out *w, const struct scan_file *f)
{
    const json_t *facts = json_object_get(f->reply, "facts");
    char *text = facts ? json_dumps(facts, JSON_COMPACT) : NULL;
    struct span bytes = span_str(text ? text : "");
    if (bytes.len > 2 && bytes.len <= LIMIT_FACTS_BYTES) {
        json_out_key(w, "facts");
        json_out_raw(w, bytes);
    }
    free(text);
}

/* The class, and the engines that looked at it to its end. */
static void write_engines(struct json_out *w, const struct scan_file *f)
{
    const char *class = json_get_string(f->reply, "class", NULL), *name;
    const json_t *engines = json_object_get(f->reply, "engines");
    json_t *one;
    if (class)
        json_put_string(w, "class", class);
    if (!engines)
        return;
    json_put_array(w, "engines");
    json_object_foreach((json_t *)(uintptr_t)engines, name, one)
    {
        if (strcmp(json_get_string(one, "answer", ""), "not-looked") != 0)
            json_out_string(w, name);
    }
    json_out_array_end(w);
}

void scan_write_files(struct json_out *w, const struct scan_report *r)
{
    if (r->engines)
        engines_put_states(r->engines, w);
    json_put_string(w, "verdict", verdict_name(r->verdict));
    json_put_array(w, "files");
    for (size_t i = 0; i < r->count; i++) {
        const struct scan_file *f = &r->files[i];
        json_out_object(w);
        json_put_string(w, "path", f->path);
        json_put_string(w, "format", f->format);
        json_put_string(w, "verdict", verdict_name(f->verdict));
        if (f->remembered)
            json_put_bool(w, "remembered", true);
        write_engines(w, f);
        write_findings(w, f);
        write_facts(w, f);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void write_file(struct json_out *w, const struct scan_file *f)
{
    json_out_object(w);
    json_put_string(w, "path", f->path);
    if (f->has_digest)
        json_put_digest(w, "digest", &f->digest);
    if (f->media_type)
        json_put_string(w, "mediaType", f->media_type);
    json_put_uint(w, "size", f->size);
    json_put_string(w, "format", f->format);
    json_put_string(w, "verdict", verdict_name(f->verdict));
    if (f->remembered)
        json_put_bool(w, "remembered", true);
    write_engines(w, f);
    write_findings(w, f);
    write_facts(w, f);
    json_out_object_end(w);
}

int scan_write_predicate(const struct scan_report *r, int64_t time_s, struct buf *out, struct err *e)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "result", scan_result(r));
    json_put_string(&w, "verdict", verdict_name(r->verdict));
    json_put_time(&w, "time", time_s);
    json_put_object(&w, "scanner");
    json_put_string(&w, "name", "airlock");
    json_put_string(&w, "version", AIRLOCK_VERSION);
    json_put_string(&w, "rules", SCAN_RULES);
    if (r->engines)
        engines_put_states(r->engines, &w);
    json_out_object_end(&w);
    json_put_array(&w, "files");
    for (size_t i = 0; i < r->count; i++)
        write_file(&w, &r->files[i]);
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(out, "the scan report", e);
}
