#include "parse/sbom_read.h"

#include <stdio.h>
#include <string.h>

#include "parse/purl.h"
#include "util/auto.h"

/* The largest JSON pointer that a message shows whole. */
#define POINTER_MAX 512

struct reading {
    struct json_out *w;
    size_t count;
    bool lean; /* only what a lookup of advisories asks for: type, purl, source, subject */
    struct err *e;
};

/* ── which kind ── */

static bool recognise_as(struct sbom_kind *out, const char *format, enum schema_root schema, const char *version)
{
    out->format = format;
    out->schema = schema;
    snprintf(out->version, sizeof out->version, "%s", version);
    return true;
}

static bool refuse_kind(struct sbom_kind *out, const char *at, const char *what, const char *found, const char *wanted)
{
    out->at = at;
    snprintf(out->why, sizeof out->why, "%s%s%.40s%s; %s", what, found ? " \"" : "", found ? found : "",
             found ? "\"" : "", wanted);
    return false;
}

static bool recognise_cyclonedx(const json_t *root, struct sbom_kind *out)
{
    static const struct {
        const char *version;
        enum schema_root schema;
    } known[] = {
        {"1.2", SCHEMA_ROOT_COUNT},    {"1.3", SCHEMA_ROOT_COUNT},    {"1.4", SCHEMA_CYCLONEDX_1_4},
        {"1.5", SCHEMA_CYCLONEDX_1_5}, {"1.6", SCHEMA_CYCLONEDX_1_6},
    };
    const char *version = json_get_string(root, "specVersion", NULL);
    for (size_t i = 0; version && i < ARRAY_LEN(known); i++)
        if (strcmp(version, known[i].version) == 0)
            return recognise_as(out, "CycloneDX", known[i].schema, version);
    return refuse_kind(out, "/specVersion", version ? "CycloneDX version" : "no CycloneDX version", version,
                       "1.4, 1.5 and 1.6 are read");
}

static bool recognise_spdx(const json_t *root, struct sbom_kind *out)
{
    const char *version = json_get_string(root, "spdxVersion", NULL);
    if (version && strcmp(version, "SPDX-2.3") == 0)
        return recognise_as(out, "SPDX", SCHEMA_SPDX_2_3, "2.3");
    if (version && strcmp(version, "SPDX-2.2") == 0)
        return recognise_as(out, "SPDX", SCHEMA_SPDX_2_2, "2.2");
    return refuse_kind(out, "/spdxVersion", version ? "SPDX version" : "no SPDX version", version,
                       "SPDX-2.2 and SPDX-2.3 are read");
}

/* SPDX 3 is JSON-LD: "@context" names its version, "@graph" holds everything. */
static bool is_spdx_3(const json_t *root)
{
    const char *context = json_get_string(root, "@context", "");
    return json_object_get(root, "@graph") && strstr(context, "spdx");
}

bool sbom_recognise(const json_t *root, struct sbom_kind *out)
{
    *out = (struct sbom_kind){0};
    if (is_spdx_3(root))
        return refuse_kind(out, "/@context", "an SPDX 3 document", NULL, "of SPDX, 2.2 and 2.3 are read");
    if (json_object_get(root, "bomFormat") || json_object_get(root, "specVersion"))
        return recognise_cyclonedx(root, out);
    if (json_object_get(root, "spdxVersion") || json_object_get(root, "SPDXID"))
        return recognise_spdx(root, out);
    return refuse_kind(out, "", "neither bomFormat (CycloneDX) nor spdxVersion (SPDX) stands in it", NULL,
                       "CycloneDX 1.4 to 1.6 and SPDX 2.2 and 2.3 are read, as JSON");
}

static const char *other_form(struct span text)
{
    if (span_take_prefix(&text, SPAN_LIT("\xef\xbb\xbf")))
        return "a byte order mark stands in front of it";
    while (text.len > 0 && strchr(" \t\r\n", *text.ptr) && *text.ptr)
        span_skip(&text, 1);
    if (text.len > 0 && *text.ptr == '<')
        return "this looks like XML; SBOMs are read as JSON";
    if (span_starts(text, SPAN_LIT("SPDXVersion:")))
        return "this is SPDX as tag-value; SBOMs are read as JSON";
    if (span_starts(text, SPAN_LIT("SPDXID:")) || span_starts(text, SPAN_LIT("spdxVersion:")) ||
        span_starts(text, SPAN_LIT("---")))
        return "this looks like YAML; SBOMs are read as JSON";
    return NULL;
}

json_t *sbom_parse(struct span text, size_t *offset, struct err *e)
{
    const char *other;
    json_t *root = json_parse_at(text, LIMIT_SBOM_BYTES, "SBOM", offset, e);
    if (!root && e->code == ERR_INPUT && (other = other_form(text)))
        err_hint(e, "%s", other);
    return root;
}

/* ── members of a foreign document ── */

/* A text that may be absent: 0 and NULL then. */
static int text_of(const json_t *object, const char *key, const char *at, const char **out, struct err *e)
{
    const json_t *value = json_object_get(object, key);
    *out = NULL;
    return !value || (*out = json_need_string(object, key, at, e)) ? 0 : -1;
}

/* A list that may be absent. */
static int list_of(const json_t *object, const char *key, const char *at, const json_t **out, struct err *e)
{
    const json_t *value = json_object_get(object, key);
    *out = NULL;
    return !value || (*out = json_need_array(object, key, at, e)) ? 0 : -1;
}

static int need_object(const json_t *value, const char *at, struct err *e)
{
    return json_is_object(value) ? 0 : err_set(e, ERR_INPUT, 0, "%s: wanted an object", at);
}

static int put_text_of(struct reading *r, const json_t *object, const char *key, const char *at, const char *as)
{
    const char *text;
    if (text_of(object, key, at, &text, r->e) < 0)
        return -1;
    if (text && (!r->lean || strcmp(as, "type") == 0))
        json_put_string(r->w, as, text);
    return 0;
}

/* The source package, where our own inventory says it (scan/inventory.h). */
static void put_source(struct reading *r, const json_t *component)
{
    const json_t *property;
    size_t i;
    json_array_foreach(json_object_get(component, "properties"), i, property)
    {
        if (strcmp(json_get_string(property, "name", ""), "airlock:source") != 0)
            continue;
        json_put_string(r->w, "source", json_get_string(property, "value", ""));
        return;
    }
}

/* "purl", and what of it names the package: without version, qualifiers and subpath, in canonical form. */
static void put_purl(struct json_out *w, const char *text, bool lean)
{
    struct err none = {0};
    auto_purl purl = {0};
    auto_buf canonical = BUF(4 * PURL_LENGTH_MAX);
    if (!text)
        return;
    json_put_string(w, "purl", text);
    if (lean)
        return;
    if (purl_parse(span_str(text), &purl, &none) < 0)
        return;
    purl_write(&purl, &canonical);
    size_t len = strcspn(buf_str(&canonical), "?#");
    const char *at = memrchr(canonical.ptr, '@', len); /* any other one is percent-encoded */
    json_out_key(w, "package");
    json_out_span(w, span_of(canonical.ptr, at ? (size_t)(at - buf_str(&canonical)) : len));
}

static int begin(struct reading *r, const char *at)
{
    if (++r->count > LIMIT_SBOM_COMPONENTS)
        return err_set(r->e, ERR_LIMIT, 0, "%s: more than %u components; at most that many are read", at,
                       LIMIT_SBOM_COMPONENTS);
    json_out_object(r->w);
    return 0;
}

/* "SHA256" and "SHA3-256" as CycloneDX writes them: "SHA-256", "SHA3-256". */
static void put_algorithm(struct json_out *w, const char *alg)
{
    static const char *const plain[] = {"SHA1", "SHA256", "SHA384", "SHA512"};
    char name[16];
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (strcmp(alg, plain[i]) != 0)
            continue;
        snprintf(name, sizeof name, "SHA-%s", alg + 3);
        json_put_string(w, "alg", name);
        return;
    }
    json_put_string(w, "alg", alg);
}

static int put_hashes(struct reading *r, const json_t *object, const char *key, const char *at, const char *alg_key,
                      const char *hex_key)
{
    const json_t *list, *item;
    size_t i;
    char place[POINTER_MAX];
    if (list_of(object, key, at, &list, r->e) < 0)
        return -1;
    json_put_array(r->w, "hashes");
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        snprintf(place, sizeof place, "%s/%s/%zu", at, key, i);
        const char *alg = json_need_string(item, alg_key, place, r->e);
        const char *hex = alg ? json_need_string(item, hex_key, place, r->e) : NULL;
        if (!hex)
            return -1;
        json_out_object(r->w);
        put_algorithm(r->w, alg);
        json_put_string(r->w, "hex", hex);
        json_out_object_end(r->w);
    }
    json_out_array_end(r->w);
    return 0;
}

/* ── CycloneDX ── */

/* licenses: [{"expression"}] or [{"license": {"id"|"name"}}, …]: joined by AND, since all of them are said of it. */
static int put_licences(struct reading *r, const json_t *component, const char *at)
{
    const json_t *list, *item;
    size_t i;
    auto_buf text = BUF(65536);
    if (list_of(component, "licenses", at, &list, r->e) < 0)
        return -1;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        const json_t *licence = json_object_get(item, "license");
        const char *one = json_get_string(item, "expression", NULL);
        if (!one)
            one = json_get_string(licence, "id", json_get_string(licence, "name", NULL));
        if (!one)
            return err_set(r->e, ERR_INPUT, 0, "%s/licenses/%zu: wanted an expression, or a license with id or name",
                           at, i);
        buf_printf(&text, "%s%s", text.len ? " AND " : "", one);
    }
    if (text.len > 0)
        json_put_string(r->w, "licence", buf_str(&text));
    return buf_check(&text, "licences of a component", r->e);
}

static int put_components(struct reading *r, const json_t *object, const char *at);

static int put_component(struct reading *r, const json_t *c, const char *at, bool subject)
{
    static const struct {
        const char *key, *as;
    } texts[] = {{"bom-ref", "ref"},     {"type", "type"}, {"group", "group"},
                 {"version", "version"}, {"cpe", "cpe"},   {"scope", "scope"}};
    if (need_object(c, at, r->e) < 0)
        return -1;
    const char *name = json_need_string(c, "name", at, r->e);
    if (!name || begin(r, at) < 0)
        return -1;
    if (!r->lean)
        json_put_string(r->w, "name", name);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (put_text_of(r, c, texts[i].key, at, texts[i].as) < 0)
            return -1;
    const char *purl;
    if (text_of(c, "purl", at, &purl, r->e) < 0)
        return -1;
    put_purl(r->w, purl, r->lean);
    put_source(r, c);
    if (subject)
        json_put_bool(r->w, "subject", true);
    if (!r->lean && (put_licences(r, c, at) < 0 || put_hashes(r, c, "hashes", at, "alg", "content") < 0))
        return -1;
    json_out_object_end(r->w);
    return put_components(r, c, at);
}

/* The members "components" of a document or of a component: nested as deep as JSON_DEPTH lets them. */
static int put_components(struct reading *r, const json_t *object, const char *at)
{
    const json_t *list, *item;
    size_t i;
    char place[POINTER_MAX];
    if (list_of(object, "components", at, &list, r->e) < 0)
        return -1;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        snprintf(place, sizeof place, "%s/components/%zu", at, i);
        if (put_component(r, item, place, false) < 0)
            return -1;
    }
    return 0;
}

static int read_cyclonedx(struct reading *r, const json_t *root)
{
    const json_t *metadata = json_object_get(root, "metadata");
    const json_t *subject = json_object_get(metadata, "component");
    if (metadata && need_object(metadata, "/metadata", r->e) < 0)
        return -1;
    if (subject && put_component(r, subject, "/metadata/component", true) < 0)
        return -1;
    return put_components(r, root, "");
}

/* ── SPDX ── */

static bool is_known(const char *text)
{
    return text && strcmp(text, "NOASSERTION") != 0 && strcmp(text, "NONE") != 0;
}

/* What was concluded, else what was declared. */
static int put_spdx_licence(struct reading *r, const json_t *package, const char *at)
{
    const char *concluded, *declared;
    if (text_of(package, "licenseConcluded", at, &concluded, r->e) < 0 ||
        text_of(package, "licenseDeclared", at, &declared, r->e) < 0)
        return -1;
    if (is_known(concluded) || is_known(declared))
        json_put_string(r->w, "licence", is_known(concluded) ? concluded : declared);
    return 0;
}

/* One entry for a package. `purl` and `cpe` are NULL where it has none. */
static int put_package(struct reading *r, const json_t *p, const char *at, const char *purl, const char *cpe)
{
    const char *name = json_need_string(p, "name", at, r->e);
    if (!name || begin(r, at) < 0)
        return -1;
    if (!r->lean)
        json_put_string(r->w, "name", name);
    json_put_string(r->w, "type", "library");
    if (put_text_of(r, p, "SPDXID", at, "ref") < 0 || put_text_of(r, p, "versionInfo", at, "version") < 0)
        return -1;
    put_purl(r->w, purl, r->lean);
    if (cpe && !r->lean)
        json_put_string(r->w, "cpe", cpe);
    if (r->lean) {
        json_out_object_end(r->w);
        return 0;
    }
    if (put_spdx_licence(r, p, at) < 0 || put_hashes(r, p, "checksums", at, "algorithm", "checksumValue") < 0)
        return -1;
    json_out_object_end(r->w);
    return 0;
}

/* The locator of an external reference, or NULL when it is of another type. */
static int locator(const json_t *item, const char *at, size_t i, const char *type, const char **out, struct err *e)
{
    char place[POINTER_MAX];
    *out = NULL;
    if (strcmp(json_get_string(item, "referenceType", ""), type) != 0)
        return 0;
    snprintf(place, sizeof place, "%s/externalRefs/%zu", at, i);
    *out = json_need_string(item, "referenceLocator", place, e);
    return *out ? 0 : -1;
}

static int put_spdx_package(struct reading *r, const json_t *p, const char *at)
{
    const json_t *list, *item;
    const char *purl, *one, *cpe = NULL;
    size_t i, purls = 0;
    if (need_object(p, at, r->e) < 0 || list_of(p, "externalRefs", at, &list, r->e) < 0)
        return -1;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        if (locator(item, at, i, "cpe23Type", &one, r->e) < 0)
            return -1;
        cpe = cpe ? cpe : one;
    }
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        if (locator(item, at, i, "purl", &purl, r->e) < 0 || (purl && put_package(r, p, at, purl, cpe) < 0))
            return -1;
        purls += purl != NULL;
    }
    return purls ? 0 : put_package(r, p, at, NULL, cpe);
}

static int put_spdx_file(struct reading *r, const json_t *f, const char *at)
{
    if (need_object(f, at, r->e) < 0)
        return -1;
    const char *name = json_need_string(f, "fileName", at, r->e);
    if (!name || begin(r, at) < 0)
        return -1;
    json_put_string(r->w, "name", name);
    json_put_string(r->w, "type", "file");
    if (put_text_of(r, f, "SPDXID", at, "ref") < 0 ||
        put_hashes(r, f, "checksums", at, "algorithm", "checksumValue") < 0)
        return -1;
    json_out_object_end(r->w);
    return 0;
}

static int read_spdx(struct reading *r, const json_t *root)
{
    static const struct {
        const char *key;
        int (*put)(struct reading *r, const json_t *item, const char *at);
    } lists[] = {{"packages", put_spdx_package}, {"files", put_spdx_file}};
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        const json_t *list, *item;
        size_t i;
        char place[POINTER_MAX];
        if (list_of(root, lists[l].key, "", &list, r->e) < 0)
            return -1;
        json_array_foreach((json_t *)(uintptr_t)list, i, item)
        {
            snprintf(place, sizeof place, "/%s/%zu", lists[l].key, i);
            if (lists[l].put(r, item, place) < 0)
                return -1;
        }
    }
    return 0;
}

int sbom_read_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct sbom_kind kind;
    struct json_out w;
    struct reading r = {.w = &w, .lean = span_equal_str(arg, "lean"), .e = e};
    size_t offset;
    auto_json root = sbom_parse(input, &offset, e);
    if (!root)
        return -1;
    if (!sbom_recognise(root, &kind))
        return err_set(e, ERR_INPUT, 0, "SBOM: %s%s%s", kind.at, kind.at[0] ? ": " : "", kind.why);
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_string(&w, "format", kind.format);
    json_put_string(&w, "version", kind.version);
    json_put_array(&w, "packages");
    if ((strcmp(kind.format, "SPDX") == 0 ? read_spdx(&r, root) : read_cyclonedx(&r, root)) < 0)
        return -1;
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(reply, "packages of the SBOM", e);
}
